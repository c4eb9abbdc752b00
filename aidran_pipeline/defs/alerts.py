"""The sensor that tells the operator of sources that went down or came back. What is told: ingest/alerts.py."""

from dagster import DefaultSensorStatus, ResourceParam, SensorEvaluationContext, SkipReason, sensor

from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.store.db import advisory_lock


@sensor(
    minimum_interval_seconds=120,
    default_status=DefaultSensorStatus.RUNNING,
    description="Tells AIDRAN_ALERT_WEBHOOK of sources that went down or are back: once for each change.",
)
def source_alerts(context: SensorEvaluationContext, newsroom: ResourceParam[Newsroom]) -> SkipReason:
    """Starts nothing. A webhook that does not answer fails the tick; the next one tells again."""
    from aidran_pipeline.ingest.alerts import changes, tell_changes

    webhook = newsroom.settings.alert_webhook
    with newsroom.connection() as conn, advisory_lock(conn, "source alerts"):
        if webhook is None:
            waiting = len(changes(conn))
            return SkipReason(f"{waiting} changes to tell, and no AIDRAN_ALERT_WEBHOOK to tell them to")
        told = tell_changes(conn, webhook.get_secret_value(), now=newsroom.clock())
    return SkipReason(f"told: {'; '.join(c.line() for c in told)}"[:1000] if told else "every source is as was told")
