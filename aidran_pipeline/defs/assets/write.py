"""Linked pages and articles, by day and topic. Not here: composing and gates (write/), fetching (ingest/).

Articles run a partition each, so that one failing topic leaves the others; a run over several partitions (the edition's
topics without any record) writes them one after the other and fails at the end, naming those that failed.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dagster import AssetExecutionContext, BackfillPolicy, Failure, ResourceParam, asset

from aidran_pipeline import __version__
from aidran_pipeline.config.publication import load_publication
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.defs.events import OWNERS, event_of, events_of, link, rates, result_of, topic_link
from aidran_pipeline.defs.inputs import story_inputs
from aidran_pipeline.defs.partitions import DAY_TOPIC, key_of, parts_of, same_day
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, StageResult

if TYPE_CHECKING:
    from aidran_pipeline.llm.models import OpenModels

WINDOW_DAYS = load_publication(Settings().publication_file).window_days


@asset(
    partitions_def=DAY_TOPIC,
    deps=[same_day("analyzed_records")],
    group_name="write",
    kinds={"python", "postgres"},
    owners=OWNERS,
    code_version=__version__,
    output_required=False,
    backfill_policy=BackfillPolicy.single_run(),
    pool="sources",
    description="The pages that the topic's records link to most, fetched and extracted: the web citations.",
)
def web_pages(context: AssetExecutionContext, newsroom: ResourceParam[Newsroom]) -> Iterator[Any]:
    """Most linked pages of the run's days and topics."""
    from aidran_pipeline.ingest import fetch_web_pages

    run = newsroom.run_of(context.run.run_id, context.run.tags, context.log.info)
    keys = [str(key) for key in context.partition_keys]
    with newsroom.connection() as conn:
        found = fetch_web_pages(
            conn,
            [parts_of(key) for key in keys],
            run=run,
            settings=newsroom.settings,
            publication=newsroom.publication,
        )
    results = {key_of(*part): result for part, result in found.items()}
    yield from events_of(context, "web_pages", results, more=_readable_share)


def _readable_share(_key: str, result: StageResult) -> dict[str, Any]:
    return rates(result.metadata, share_readable=("readable", "candidates"))


@asset(
    partitions_def=DAY_TOPIC,
    # Claims of the whole evidence window are read; the arrow names the day alone. An arrow from each day of the window
    # would make a backfill of three days write the stories of the days after them as well (inputs.py knows the window).
    deps=[same_day("claims"), "web_pages", "topic_signals"],
    group_name="write",
    kinds={"python", "postgres"},
    owners=OWNERS,
    code_version=__version__,
    output_required=False,
    backfill_policy=BackfillPolicy.multi_run(max_partitions_per_run=1),
    pool="articles",
    description=(
        "The story of a topic's day from the claims of its evidence window: a version that passed every gate, "
        "or a decision to withhold it, with the reasons."
    ),
)
def articles(context: AssetExecutionContext, newsroom: ResourceParam[Newsroom]) -> Iterator[Any]:
    """A version or a withheld decision for each partition of the run."""
    run = newsroom.run_of(context.run.run_id, context.run.tags, context.log.info)
    keys = [str(key) for key in context.partition_keys]
    failed: dict[str, str] = {}
    with newsroom.connection() as conn, newsroom.models(run) as models:
        for key in keys:
            day, topic = parts_of(key)
            inputs: str | None = story_inputs(
                context.instance, day, [topic], window_days=WINDOW_DAYS, config=newsroom.config_version()
            )[topic]
            try:
                result, settled = _write(conn, newsroom, key, run, models)
            except Exception as error:  # one topic must not cost the others their decision
                if len(keys) == 1:
                    raise
                failed[key] = f"{type(error).__name__}: {error}"
                continue
            # Without the mark of its input an edition writes it again: a model that was away may have come back.
            inputs = inputs if settled else None
            if len(keys) == 1:
                yield result_of("articles", result, inputs=inputs)
            else:
                yield event_of(context, "articles", key, result, inputs=inputs)
    if failed:
        raise Failure(
            f"{len(failed)} of {len(keys)} stories failed: {'; '.join(sorted(failed))}", metadata=dict(failed)
        )


def _write(
    conn: Connection, newsroom: Newsroom, key: str, run: Run, models: "OpenModels | None"
) -> tuple[StageResult, bool]:
    """The article as a stage's result, and whether it is settled: not so when a model could only not be asked."""
    from aidran_pipeline.write import write_article
    from aidran_pipeline.write.engines import worth_another_try

    day, topic = parts_of(key)
    story = write_article(conn, day, topic, run=run, publication=newsroom.publication, models=models)
    data: dict[str, Any] = {"decision": story.decision, "headline": story.headline, "version": story.version}
    data |= {name: value for name, value in story.numbers.items() if value is not None}
    data |= rates(data, share_cited=("records_cited", "records_read"))
    data["topic_page"] = topic_link(newsroom.publication, topic)
    if story.slug:
        data["page"] = link(f"{str(newsroom.publication.base_url).rstrip('/')}/stories/{story.slug}/")
    if story.reasons:
        data["withheld_because"] = [
            {"gate": reason.get("gate"), "rule": reason.get("rule"), "detail": reason.get("detail")}
            for reason in story.reasons
        ]
    if models is not None:
        data |= _paid(conn, story.article_version_id) | models.figures.as_dict()
    result = StageResult(data_version=story.data_version, metadata=data, changed=story.changed)
    return result, not worth_another_try(story.numbers, models)


def _paid(conn: Connection, article_version_id: int | None) -> dict[str, Any]:
    """What the article as published cost, whoever paid when: a rerun costs nothing and shows the same."""
    from aidran_pipeline.store.model_calls import cost_of

    if article_version_id is None:
        return {}
    cost = cost_of(conn, article_version_id=article_version_id)
    return {
        "article_calls": cost.calls,
        "article_tokens": cost.tokens,
        "article_cost_usd": "unknown" if cost.cost is None else float(cost.cost),
    }
