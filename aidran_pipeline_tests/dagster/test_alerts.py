"""Alerts of sources: told once when one goes down, once when it is back, over a real webhook on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from dagster import DagsterInstance, SkipReason, build_sensor_context
from pydantic import ValidationError

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.defs.alerts import source_alerts
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.ingest.alerts import AlertFailed
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.webhook import Webhook, listening

NOW = datetime(2026, 5, 20, 15, 0, tzinfo=UTC)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with listening() as hook:
        yield hook


@pytest.fixture
def alerted(newsroom: Newsroom, webhook: Webhook) -> Newsroom:
    settings = newsroom.settings.model_copy(
        update={"alert_webhook": Settings(AIDRAN_ALERT_WEBHOOK=webhook.url).alert_webhook}
    )
    return replace(newsroom, settings=settings)


def _source(conn: Connection, key: str, status: str, failures: int = 0, error: str | None = None) -> None:
    conn.execute(
        """INSERT INTO sources (id, kind, platform, config, config_hash, publisher, status, consecutive_failures,
               last_error_class) VALUES (%(id)s, 'rss', 'news', '{}', 'x', %(id)s, %(status)s, %(failures)s, %(error)s)
           ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status, last_error_class = EXCLUDED.last_error_class,
               consecutive_failures = EXCLUDED.consecutive_failures""",
        {"id": key, "status": status, "failures": failures, "error": error},
    )


def _tick(instance: DagsterInstance, newsroom: Newsroom) -> str:
    # Closed again: an open one leaves its instance as the process's store of definitions' state.
    with build_sensor_context(instance_ref=instance.get_ref(), resources={"newsroom": newsroom}) as context:
        result = source_alerts(context)
    assert isinstance(result, SkipReason)
    return result.skip_message or ""


def _lines(webhook: Webhook) -> list[list[tuple[str, str, str]]]:
    return [[(c["source"], c["was"], c["now"]) for c in message["changes"]] for message in webhook.told]


def test_a_dead_source_gives_one_alert_and_its_recovery_one(
    conn: Connection, instance: DagsterInstance, alerted: Newsroom, webhook: Webhook
) -> None:
    _source(conn, "steady", "ok")
    _source(conn, "shaky", "ok")
    _tick(instance, alerted)
    for failures in range(1, 9):
        _source(conn, "shaky", "failing", failures, "timeout")
        _tick(instance, alerted)
    assert _lines(webhook) == [[("shaky", "well", "failing")]]
    assert webhook.told[0]["changes"][0]["consecutive_failures"] == 3
    assert (
        "shaky is failing" in webhook.told[0]["text"].replace(" (shaky)", "") and "timeout" in webhook.told[0]["text"]
    )
    _source(conn, "shaky", "ok")
    for _ in range(3):
        _tick(instance, alerted)
    assert _lines(webhook)[1:] == [[("shaky", "failing", "well")]]


def test_a_hiccup_is_no_alert_and_a_worse_state_is_one(
    conn: Connection, instance: DagsterInstance, alerted: Newsroom, webhook: Webhook
) -> None:
    for failures in (1, 2):
        _source(conn, "hiccup", "failing", failures, "connect")
        _tick(instance, alerted)
    _source(conn, "hiccup", "ok")
    _tick(instance, alerted)
    assert webhook.told == []
    for status, failures in (("failing", 3), ("blocked", 4), ("gone", 5)):
        _source(conn, "sinking", status, failures, "gone")
        _tick(instance, alerted)
    assert [now for told in _lines(webhook) for _, _, now in told] == ["failing", "blocked", "gone"]


def test_quiet_and_unconfigured_are_not_down(
    conn: Connection, instance: DagsterInstance, alerted: Newsroom, webhook: Webhook
) -> None:
    for status in ("quiet", "unconfigured", "new"):
        _source(conn, status, status)
    assert _tick(instance, alerted) == "every source is as was told"
    assert webhook.told == []


@pytest.mark.parametrize("status", [500, 301, 404])
def test_a_webhook_that_fails_loses_no_alert(
    conn: Connection, instance: DagsterInstance, alerted: Newsroom, webhook: Webhook, status: int
) -> None:
    _source(conn, "lost", "gone", 1, "gone")
    webhook.status = status
    with pytest.raises(AlertFailed, match=f"answered {status}") as told:
        _tick(instance, alerted)
    assert "secret" not in str(told.value)
    webhook.status = 200
    _tick(instance, alerted)
    assert _lines(webhook) == [[("lost", "well", "gone")]]


def test_a_webhook_that_is_not_there_is_named_without_its_address(
    conn: Connection, instance: DagsterInstance, alerted: Newsroom, webhook: Webhook
) -> None:
    _source(conn, "lost", "gone", 1, "gone")
    webhook.shutdown()
    webhook.server_close()
    with pytest.raises(AlertFailed, match="not reached: ConnectError") as told:
        _tick(instance, alerted)
    assert "secret" not in str(told.value) and told.value.__cause__ is None


def test_without_a_webhook_the_tick_says_what_waits(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    _source(conn, "dead", "gone", 1, "gone")
    assert _tick(instance, newsroom).startswith("1 changes to tell")


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="http"):
        Settings(AIDRAN_ALERT_WEBHOOK="hooks.example/x")
