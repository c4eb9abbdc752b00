"""`aidran site`: build the pages, serve them on loopback. What does not belong here: pages and server (publish/)."""

from __future__ import annotations

from datetime import UTC, datetime

from aidran_pipeline.commands.console import CommandError, say
from aidran_pipeline.commands.run import Progress, editor
from aidran_pipeline.config.settings import Settings


def build(*, serve: bool, port: int) -> None:
    """Materialise the asset `site`, then serve it when asked. Raises CommandError when it cannot be built."""
    from aidran_pipeline.defs.edition import Outcome

    settings = Settings()
    outcome = Outcome(datetime.now(UTC).date())
    with editor(settings, Progress()) as at_work:
        at_work.site(outcome)
    if outcome.failures:
        raise CommandError(f"the site was not built: {'; '.join(outcome.failures)}")
    say(f"site: {(settings.site_dir / 'index.html').resolve()}")
    if serve:
        from aidran_pipeline.publish import serve as serve_folder

        try:
            serve_folder(settings.site_dir, port)
        except OSError as error:
            raise CommandError(f"port {port} cannot be used: {error.strerror}; name another one with --port") from error
