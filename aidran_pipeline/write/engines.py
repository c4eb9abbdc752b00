"""Which engine writes an article: the configured one, and the extractive engine where a model could not.

What does not belong here: storing (article.py, persist.py), writing (compose.py, model/).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.llm import Models
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import content_hash
from aidran_pipeline.write.compose import ENGINE, ENGINE_VERSION, compose
from aidran_pipeline.write.draft import Draft, Form
from aidran_pipeline.write.gates import Context, GateFailure, run_gates
from aidran_pipeline.write.judge import JUDGE_VERSION, judge_of
from aidran_pipeline.write.material import Material
from aidran_pipeline.write.select import NotEnough

if TYPE_CHECKING:
    from aidran_pipeline.write.model import Asking, ModelFailure, TooThin

# Stories in a row that a model could not write for want of form or of time, of topics and evidence that differ: then it
# is the model or its server, and the rest of the edition need not pay, or wait, for the proof.
PATIENCE = 3
STREAK = """
SELECT count(*) AS n, count(*) FILTER (WHERE d.numbers -> 'fallback' ->> 'kind' = 'timeout') AS late
FROM editorial_decisions d
WHERE d.day = %(day)s AND d.numbers -> 'fallback' ->> 'kind' IN ('contract', 'refused', 'timeout')
  AND d.numbers -> 'fallback' ->> 'model' = %(model)s
  AND d.id > COALESCE((SELECT max(e.id) FROM editorial_decisions e WHERE e.day = %(day)s
      AND e.numbers ->> 'engine' = 'model' AND COALESCE((e.numbers ->> 'calls')::integer, 0) > 0), 0)
  AND d.decided_at > COALESCE((SELECT p.since FROM model_pauses p
      WHERE p.role = 'writer' AND p.model = %(model)s), '-infinity')
"""
UNREAD = """
SELECT g.failure, count(DISTINCT g.record_version_id) AS n
FROM claims c JOIN claim_readings g ON g.record_version_id = c.record_version_id AND g.outcome <> 'read'
WHERE c.id = ANY(%(claims)s) AND c.engine <> 'model'
  AND right(g.engine_version, length(%(model)s) + 1) = ':' || %(model)s
GROUP BY 1 ORDER BY 1
"""
REPAIRS = 2  # how often a page is composed again without the claims that a gate refused


@dataclass
class Written:
    """A draft, or none, with the gates' reasons against it.

    engine, engine_version: who wrote it, or would have; numbers: figures for the decision. fallback: why a model did
    not write it, {"role", "kind", "detail", "model"}.
    """

    draft: Draft | None
    reasons: list[dict[str, Any]]
    engine: str = ENGINE
    engine_version: str = ENGINE_VERSION
    numbers: dict[str, Any] = field(default_factory=dict)
    fallback: dict[str, str] | None = None


def input_digest(material: Material, publication: Publication, models: Models | None) -> str:
    """Hash of all that decides the article: material, thresholds, and whoever writes and judges it."""
    basis = [material.input_hash(), publication.model_dump(mode="json"), ENGINE_VERSION, JUDGE_VERSION]
    if models is None:
        return content_hash(*basis)
    from aidran_pipeline.write.model import engine_version

    said = [(c.id, c.statement, c.engine_version) for c in material.claims]
    return content_hash(*basis, said, engine_version(models), judge_of("model"), models.version("judge"))


def worth_another_try(numbers: dict[str, Any], models: Models | None) -> bool:
    """Whether a model that could not be asked when this was decided may be asked now."""
    if models is None:
        return False
    from aidran_pipeline.write.model import PASSING

    return (numbers.get("fallback") or {}).get("kind") in PASSING


def give_up_after_streak(conn: Connection, day: date, models: Models) -> None:
    """Give the writer up when the last stories of an edition fell back, one after the other, out of form or time."""
    row = conn.execute(STREAK, {"day": day, "model": models.version("writer")}).fetchone()
    if row and row["n"] >= PATIENCE:
        late = f", {row['late']} of them not within its deadline" if row["late"] else ""
        said = f"{row['n']} stories of the edition in a row came in no usable form{late}"
        models.give_up("writer", said, passing=bool(row["late"]))


def note_unread(conn: Connection, draft: Draft | None, models: Models | None) -> None:
    """Add to a draft's engines how many of its records rules read because the reader could not, by failure."""
    if draft is None or models is None or "engines" not in draft.inputs:
        return
    cited = sorted({use.claim_id for s in draft.sentences for use in s.uses if use.claim_id})
    rows = conn.execute(UNREAD, {"claims": cited, "model": models.version("reader")})
    draft.inputs["engines"]["unread"] = {row["failure"]: row["n"] for row in rows}


def write_draft(
    material: Material, publication: Publication, context: Context, models: Models | None, form: Form = "story"
) -> Written:
    """The article by the configured engine. A model that fails leaves it to the extractive engine, which says so.

    A story that three sections cannot be made of becomes a dispatch. Dispatches are quotations in any case: their few
    sentences are not worth a model's calls.
    """
    if form == "dispatch" or models is None:
        draft, reasons = _compose(material, publication, context, form)
        return _or_dispatch(Written(draft, reasons), material, publication, context)
    written = _or_dispatch(_with_models(material, publication, context, models), material, publication, context)
    if written.draft is not None:
        written.draft.inputs["engines"] = _engines(material, written, models)
    written.numbers["engine"] = written.draft.engine if written.draft else written.engine
    return written


def _or_dispatch(written: Written, material: Material, publication: Publication, context: Context) -> Written:
    """What could not be made a story, for want of sections, as a dispatch where one passes every gate.

    Not a story that a model wrote and the gates took apart: that is withheld, with what was refused.
    """
    taken_apart = written.engine != ENGINE and written.numbers.get("calls")
    if written.draft is not None or taken_apart or not any(r["rule"] == "three sections" for r in written.reasons):
        return written
    draft, reasons = _compose(material, publication, context, "dispatch")
    if draft is None or reasons:
        return written
    return replace(written, draft=draft, reasons=[], engine=ENGINE, engine_version=ENGINE_VERSION)


def _with_models(material: Material, publication: Publication, context: Context, models: Models) -> Written:
    from aidran_pipeline.write import model

    asking, version = model.Asking(models), model.engine_version(models)
    try:
        draft = model.compose_with_model(material, publication, asking, context)
    except NotEnough as nothing:
        reasons = [{"sentence": -1, **reason} for reason in nothing.reasons]
        return Written(None, reasons, model.ENGINE, version, {"calls": len(asking.calls)})
    except (model.ModelFailure, model.TooThin) as failure:
        return _instead(material, publication, context, asking, failure)
    failures = run_gates(draft, context)
    numbers = {k: v for k, v in draft.inputs["writing"].items() if k != "refused_sentences"}
    numbers["calls"] = len(asking.calls)
    return Written(draft, [f.as_dict() for f in failures], model.ENGINE, version, numbers)


def _instead(
    material: Material, publication: Publication, context: Context, asking: Asking, failure: ModelFailure | TooThin
) -> Written:
    """The extractive engine's article over the same claims, with why and what was paid all the same."""
    draft, reasons = _compose(material, publication, context)
    if draft is not None:
        draft.inputs["calls"] = list(asking.calls)
    fallback = {
        "role": failure.role, "kind": failure.kind, "detail": failure.detail, "model": asking.version("writer"),
    }  # fmt: skip
    numbers: dict[str, Any] = {"fallback": fallback, "calls": len(asking.calls)}
    if failure.kind == "budget":
        numbers["partial"] = True
    return Written(draft, reasons, numbers=numbers, fallback=fallback)


def _engines(material: Material, written: Written, models: Models) -> dict[str, Any]:
    """Who did what, for the methodology: reader, writer and judge with their models and failures."""
    draft = written.draft
    assert draft is not None
    cited = {use.claim_id for sentence in draft.sentences for use in sentence.uses}
    readers = sorted({(c.engine, c.engine_version) for c in material.claims if c.id in cited})
    judge, judge_version = judge_of(draft.engine)
    return {
        "reader": [{"engine": engine, "version": version} for engine, version in readers],
        "writer": {
            "engine": draft.engine,
            "model": models.version("writer") if draft.engine == "model" else "",
            "failure": written.fallback,
        },
        "judge": {
            "name": judge, "version": judge_version,
            "model": models.version("judge") if draft.engine == "model" else "",
        },
    }  # fmt: skip


def _compose(
    material: Material, publication: Publication, context: Context, form: Form = "story"
) -> tuple[Draft | None, list[dict[str, Any]]]:
    """A draft with what the gates say of it. What a gate refuses is left out and the page composed again."""
    draft: Draft | None = None
    without: frozenset[int] = frozenset()
    reasons: list[dict[str, Any]] = []
    for _ in range(1 + REPAIRS):
        try:
            draft = compose(material, publication, without, form)
        except NotEnough as nothing:
            return draft, reasons or [{**reason, "sentence": -1} for reason in nothing.reasons]
        failures: list[GateFailure] = run_gates(draft, context)
        reasons = [f.as_dict() for f in failures]
        refused = {
            u.claim_id for f in failures if f.sentence >= 0 for u in draft.sentences[f.sentence].uses if u.claim_id
        }
        if not refused - without:
            break
        without |= refused
    if draft is not None:
        draft.inputs["left_out_by_gates"] = sorted(without)
    return draft, reasons
