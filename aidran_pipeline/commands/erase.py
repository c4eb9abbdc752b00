"""`aidran erase` and `aidran reconcile`: what is to go, and what has gone at its source. Not here: erase/ itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aidran_pipeline.commands.console import EXIT_FAILED, CommandError, UsageError, clean, emit_json, say
from aidran_pipeline.commands.run import Progress, editor
from aidran_pipeline.config.settings import Settings

if TYPE_CHECKING:
    from aidran_pipeline.erase import Erasure, Target

LONGEST_REASON = 300


def erase(typed: str, reason: str, *, yes: bool, as_json: bool) -> int:
    """Erase a record, or an author with all records, after asking. Raises LookupError for what is not known."""
    from aidran_pipeline.erase import erase_records, find_target

    reason = " ".join(clean(reason).split())
    if not reason or len(reason) > LONGEST_REASON:
        raise UsageError(f"--reason needs 1 to {LONGEST_REASON} characters; it is kept with the tombstone: name nobody")
    with _office(quiet=as_json) as (newsroom, run, conn, models):
        target = find_target(conn, typed)
        if not yes and not _confirmed(target):
            say("nothing was erased")
            return EXIT_FAILED
        done = erase_records(
            conn, [row["id"] for row in target.records], cause="request", reason=reason, run=run,
            publication=newsroom.publication, models=models, author=target.author,
        )  # fmt: skip
    return _told(done, done.as_dict(), as_json=as_json)


def reconcile(*, ask: bool, as_json: bool) -> int:
    """Erase what is withdrawn at its source; 1 when a look-up failed."""
    from aidran_pipeline.erase import reconcile as run_reconcile

    with _office(quiet=as_json) as (newsroom, run, conn, models):
        done = run_reconcile(
            conn, run=run, settings=newsroom.settings, publication=newsroom.publication, models=models, ask=ask
        )
    if not as_json:
        asked = ", ".join(f"{number} {answer}" for answer, number in sorted(done.looked_up.items()))
        say(f"withdrawn by their sources: {done.told} records; cited posts looked for: {asked or 'none due'}")
        for failure in done.failures:
            say(f"  {failure}")
    return max(_told(done.erasure, done.as_dict(), as_json=as_json), EXIT_FAILED if done.failures else 0)


@contextmanager
def _office(*, quiet: bool) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Newsroom, run, connection, and the models that editions are written with (none is asked)."""
    from aidran_pipeline.defs.resources import Newsroom
    from aidran_pipeline.store.provenance import Run

    newsroom = Newsroom(settings=Settings())
    progress = Progress(quiet=quiet)
    now = datetime.now(UTC)
    run = Run(f"erase-{now:%Y%m%dT%H%M%S%f}", now, progress.note)
    with newsroom.connection() as conn, newsroom.models(run) as models:
        yield newsroom, run, conn, models


def _confirmed(target: Target) -> bool:
    """The answer of a person; without a terminal nobody is there to give one."""
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to confirm; add --yes")
    say(target.said)
    say("Its words, author and address go for good, here and on the site; backups made before keep them.")
    sys.stdout.write("Erase? Type yes: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() == "yes"


def _told(done: Erasure, data: dict[str, Any], *, as_json: bool) -> int:
    """Build the site where there is one, and say what was done."""
    built = _build_site(quiet=as_json) if done.records else None
    if as_json:
        emit_json({**data, "site": built})
        return 0
    say(f"{len(done.records)} {'record' if len(done.records) == 1 else 'records'} erased")
    for name, number in sorted(done.figures.items()):
        if number:
            say(f"  {number:>6} {name.replace('_', ' ')}")
    for story in done.stories:
        changed = "told again without it" if story["status"] == "published" else "withdrawn"
        say(f"  {story['slug']}: {changed}" + (", under a new address" if story["renamed"] else ""))
    if built is not None:
        say(f"site: {built}")
    return 0


def _build_site(*, quiet: bool) -> str | None:
    """The site without what was erased; where none was ever built, none is built now."""
    from aidran_pipeline.defs.edition import Outcome

    settings = Settings()
    if not settings.site_dir.is_dir():
        return None
    outcome = Outcome(datetime.now(UTC).date())
    with editor(settings, Progress(quiet=quiet)) as at_work:
        at_work.site(outcome)
    if outcome.failures:
        raise CommandError(f"erased, but the site still shows it: {'; '.join(outcome.failures)}; run aidran site")
    return str(settings.site_dir / "index.html")
