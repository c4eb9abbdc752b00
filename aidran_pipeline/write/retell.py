"""A published story told again after one of its sources was erased: from the records it still cites, or withdrawn.

No model is asked: what is left is told in quotations. What does not belong here: blanking anything (erase).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.llm import Models
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, content_hash
from aidran_pipeline.write.article import decision_numbers, gate_names, make_context
from aidran_pipeline.write.draft import Draft
from aidran_pipeline.write.engines import Written, input_digest, write_draft
from aidran_pipeline.write.judge import judge_of
from aidran_pipeline.write.material import Material, load_material
from aidran_pipeline.write.persist import store_decision, store_version

WITHDRAWN = "source withdrawn"

# What a version cites that was erased since, those it had lost before included, in the order of their numbers.
LOST = """
SELECT c.kind, c.record_id, c.record_version_id, c.web_page_version_id FROM citations c
LEFT JOIN record_versions rv ON rv.id = c.record_version_id
LEFT JOIN web_page_versions wv ON wv.id = c.web_page_version_id
WHERE c.article_version_id = %s AND COALESCE(rv.erased_at, wv.erased_at) IS NOT NULL ORDER BY c.kind, c.number
"""
ADD_LOST = """
INSERT INTO citations (article_version_id, kind, number, record_id, record_version_id, web_page_version_id, weight)
SELECT %(version)s, %(kind)s, 1 + count(*), %(record_id)s, %(record_version_id)s, %(web_page_version_id)s, 0
FROM citations WHERE article_version_id = %(version)s AND kind = %(kind)s
"""


def retell(
    conn: Connection, version_id: int, *, run: Run, publication: Publication, models: Models | None = None
) -> tuple[int, str]:
    """Add the version that follows a current one which lost a source; returns its id and status.

    published: told again from the records that the version cited and that are left, held to every gate; withdrawn: too
    little is left. Its citations of what was erased follow the others in number, with weight 0. models: those of the
    next edition, so that it finds its input decided; none is asked. Within the caller's transaction.
    """
    head = conn.execute(
        """SELECT a.id, a.day, a.topic, v.engine, v.records_read, v.warming_up, v.engine_version, v.judge,
                  v.judge_version, v.inputs
           FROM article_versions v JOIN articles a ON a.id = v.article_id WHERE v.id = %s""",
        (version_id,),
    ).fetchone()
    if head is None:
        raise LookupError(f"no article version {version_id}")
    material = load_material(conn, head["day"], head["topic"], publication)
    written = _written(conn, version_id, material, publication, str(head["engine"]))
    digest = input_digest(material, publication, models)
    if written.draft is not None and not written.reasons:
        # What the day was worth was decided then; a source that leaves makes it no other day.
        worth = dict(head["inputs"].get("newsworthiness") or {})
        new, status = _publish(conn, material, written.draft, written, run, digest, worth), "published"
    else:
        new, status = _withdraw(conn, head, material, written, run, digest), "withdrawn"
    for lost in conn.execute(LOST, (version_id,)).fetchall():
        conn.execute(ADD_LOST, {**lost, "version": new})
    return new, status


def _written(conn: Connection, version_id: int, material: Material, publication: Publication, engine: str) -> Written:
    """The story from the records it cited; where the gates refuse that, from all that is left of its material."""
    rows = conn.execute(
        "SELECT record_id FROM citations WHERE article_version_id = %s AND kind = 'record'", (version_id,)
    )
    cited = {row["record_id"] for row in rows}
    own = tuple(claim for claim in material.claims if claim.source.record_id in cited)
    written = Written(None, [])
    for claims in (own, material.claims):
        left = replace(material, claims=claims)
        context = make_context(conn, material.day, material.topic, publication, material=left)
        written = write_draft(left, publication, context, None)
        if written.draft is not None and not written.reasons:
            if engine == "model":
                written.draft.inputs["engines"] = _engines(left, written.draft)
            return written
    return written


def _engines(material: Material, draft: Draft) -> dict[str, Any]:
    """For the methodology of a story that a model had written: who read, and why quotations stand in its place."""
    used = {use.claim_id for sentence in draft.sentences for use in sentence.uses}
    readers = sorted({(claim.engine, claim.engine_version) for claim in material.claims if claim.id in used})
    return {
        "reader": [{"engine": engine, "version": version} for engine, version in readers],
        "writer": {"engine": draft.engine, "model": "", "failure": {"kind": "withdrawn"}},
    }


def _publish(
    conn: Connection, material: Material, draft: Draft, written: Written, run: Run, digest: str, worth: dict[str, Any]
) -> int:
    draft.inputs["gates"] = [{"gate": name, "passed": True} for name in gate_names()]
    if worth:
        draft.inputs["newsworthiness"] = worth
    version, _slug, _number, _new = store_version(
        conn, draft, run=run, engine_version=written.engine_version, judge=judge_of(draft.engine), input_hash=digest,
        withdraws=True,
    )  # fmt: skip
    numbers = decision_numbers(material, draft) | written.numbers | {WITHDRAWN.replace(" ", "_"): True}
    if worth:
        numbers["newsworthiness"] = worth
    store_decision(
        conn, day=material.day, topic=material.topic, decision="published", reasons=[], numbers=numbers, draft=None,
        article_version_id=version, decided_at=run.now, engine=written.engine, engine_version=written.engine_version,
        input_hash=digest, run_id=run.id, newsworthiness=worth.get("score"), worth=worth.get("worth"),
    )  # fmt: skip
    return version


def _withdraw(
    conn: Connection, head: dict[str, Any], material: Material, written: Written, run: Run, digest: str
) -> int:
    """A version without a sentence, and the decision that nothing is published in its place."""
    row = conn.execute(
        """INSERT INTO article_versions (article_id, number, status, gates_passed, published_at, records_read,
               records_cited, pages_cited, warming_up, inputs, engine, engine_version, judge, judge_version, input_hash,
               content_hash, run_id, withdraws)
           SELECT %(id)s, 1 + count(*), 'withdrawn', false, %(now)s, %(records_read)s, 0, 0, %(warming_up)s, %(inputs)s,
               %(engine)s, %(engine_version)s, %(judge)s, %(judge_version)s, %(digest)s, %(hash)s, %(run)s, true
           FROM article_versions WHERE article_id = %(id)s RETURNING id""",
        {
            **head, "now": run.now, "inputs": Jsonb({"read": list(material.read)}), "digest": digest, "run": run.id,
            "hash": content_hash(WITHDRAWN, head["id"], run.now),
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    gates = [{key: reason.get(key) for key in ("gate", "rule", "detail", "sentence")} for reason in written.reasons]
    first = {"gate": "evidence", "rule": WITHDRAWN, "detail": "a source of the story was withdrawn", "sentence": -1}
    store_decision(
        conn, day=material.day, topic=material.topic, decision="withheld", reasons=[first, *gates],
        numbers=decision_numbers(material, None), draft=None, article_version_id=None, decided_at=run.now,
        engine=written.engine, engine_version=written.engine_version, input_hash=digest, run_id=run.id,
    )  # fmt: skip
    return int(row["id"])
