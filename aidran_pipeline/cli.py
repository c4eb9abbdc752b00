"""The command line: options and help. What a command does is in commands/, imported when it runs.

`aidran --help` must come at once: nothing here imports Dagster, pydantic or a stage at the top.
Exit codes: 0 done, 1 failed, 2 called wrongly, 3 every due source failed. AIDRAN_DEBUG=1 shows tracebacks.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup


class _Group(TyperGroup):
    """Errors in a line or two, with what was given, the rule and the remedy."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; whatever it raises becomes a message and an exit code, unless AIDRAN_DEBUG is set."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # `aidran trace SLUG 3 | head`: nobody is left to read a message
            raise
        except Exception as error:
            if type(error).__module__.split(".")[0] in ("click", "typer") or os.environ.get("AIDRAN_DEBUG"):
                raise
            from aidran_pipeline.commands.console import fail

            fail(error)


app = typer.Typer(
    name="aidran",
    cls=_Group,
    help="An autonomous, checkable newsroom: from sources to stories in which every sentence has its lineage.",
    epilog="AIDRAN_HOME names the data folder (default .aidran); docs/operator.md tells the rest.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
db = typer.Typer(
    cls=_Group, help="The database: embedded by default, or the one AIDRAN_DATABASE_URL names.", no_args_is_help=True
)
app.add_typer(db, name="db")

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
Slugs = Annotated[list[str] | None, typer.Argument(help="Slugs of stories; all published ones when none is given.")]


@app.command()
def run(
    day: Annotated[str | None, typer.Option(help="UTC day, YYYY-MM-DD; default: today.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Only this topic's story; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Make one edition: ingest, analyse, measure, write, publish. Run again, it changes nothing that stands."""
    from aidran_pipeline.commands.run import run_edition

    raise typer.Exit(run_edition(day, topic or [], as_json=as_json))


@app.command()
def trace(
    slug: Annotated[str, typer.Argument(help="The story's slug, the last part of its address.")],
    marker: Annotated[str, typer.Argument(metavar="N", help="Citation: 3 for a record, w2 for a web page.")],
    as_json: Json = False,
) -> None:
    """Follow one citation back: sentence, claim, record or page, fetch, source, with the run at each stage."""
    from aidran_pipeline.commands.evidence import trace_citation

    trace_citation(slug, marker, as_json=as_json)


@app.command()
def verify(slugs: Slugs = None, as_json: Json = False) -> None:
    """Check published stories against stored bodies, quotes, gates, counts and built pages; exit 1 on any mismatch."""
    from aidran_pipeline.commands.evidence import verify_stories

    raise typer.Exit(verify_stories(slugs or [], as_json=as_json))


@app.command()
def why(
    day: Annotated[str, typer.Argument(help="UTC day, YYYY-MM-DD.")],
    topic: Annotated[str | None, typer.Argument(help="Topic slug, such as ai-geopolitics; none: the day.")] = None,
    as_json: Json = False,
) -> None:
    """Why a topic's story was published or withheld that day, with the numbers; the day's order without a topic."""
    from aidran_pipeline.commands.evidence import why_decided

    why_decided(day, topic, as_json=as_json)


@app.command()
def signals(
    topic: Annotated[str | None, typer.Option(help="Only this topic.")] = None,
    day: Annotated[str | None, typer.Option(help="UTC day, YYYY-MM-DD; default: the last one measured.")] = None,
    as_json: Json = False,
) -> None:
    """What was measured of a day: voices, baseline, score, p, severity, coverage; the records behind each signal."""
    from aidran_pipeline.commands.signals import show_signals

    show_signals(day, topic, as_json=as_json)


@app.command()
def entities(
    days: Annotated[int, typer.Option(min=1, max=90, help="How many of the last days are read.")] = 14,
    records: Annotated[int, typer.Option(min=1, help="Distinct texts about AI that must name it.")] = 5,
    families: Annotated[int, typer.Option(min=1, help="Publisher families and platforms that must name it.")] = 3,
    as_json: Json = False,
) -> None:
    """Names that texts about AI use and the table of entities lacks, with examples: proposals for whoever edits it."""
    from aidran_pipeline.commands.entities import show_entities

    show_entities(days, records, families, as_json=as_json)


@app.command("replay-signals")
def replay_signals(
    first: Annotated[str | None, typer.Option("--from", help="First UTC day, YYYY-MM-DD; default: the last.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last UTC day; default: the last one measured.")] = None,
    records: Annotated[bool, typer.Option("--records", help="Count sealed days from their records as well.")] = False,
    as_json: Json = False,
) -> None:
    """Compute the signals of past days again from stored rows; exit 1 when one differs from what is stored."""
    from aidran_pipeline.commands.signals import replay_signals as run_replay

    raise typer.Exit(run_replay(first, last, records=records, as_json=as_json))


@app.command()
def sources(
    task: Annotated[
        Literal["health", "check", "export", "import"],
        typer.Argument(
            help="health: how each fares; check: ask those due, then name dead, stale and thin ones; "
            "export, import: write or read FILE, an OPML list of feeds."
        ),
    ] = "health",
    file: Annotated[Path | None, typer.Argument(help="Of export and import: the OPML file.")] = None,
    stored: Annotated[bool, typer.Option("--stored", help="With check: judge what is stored, ask no source.")] = False,
    to: Annotated[
        Path | None, typer.Option("--to", help="With import: a new sources file; default: add to AIDRAN_SOURCES.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Health of every source: last attempt, success and new item, next check, error; which to replace; OPML lists."""
    from aidran_pipeline.commands.opml import export_opml, import_opml
    from aidran_pipeline.commands.sources import check_sources, show_sources

    if task == "export":
        export_opml(file, as_json=as_json)
    elif task == "import":
        import_opml(file, to, as_json=as_json)
    elif task == "check":
        raise typer.Exit(check_sources(as_json=as_json, stored=stored))
    else:
        show_sources(as_json=as_json)


@app.command()
def erase(
    target: Annotated[
        str, typer.Argument(metavar="RECORD|AUTHOR", help="A post's address, id or number; an author's handle or id.")
    ],
    reason: Annotated[str, typer.Option(help="Why, in words that name nobody: kept with the tombstone.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Blank a record, or all of an author's, everywhere; stories that cited it are told again or withdrawn."""
    from aidran_pipeline.commands import erase as command

    raise typer.Exit(command.erase(target, reason, yes=yes, as_json=as_json))


@app.command()
def reconcile(
    stored: Annotated[bool, typer.Option("--stored", help="Only what sources said already; ask none.")] = False,
    as_json: Json = False,
) -> None:
    """Erase what was deleted at its source: as sources told, and by looking for cited posts in turn."""
    from aidran_pipeline.commands import erase as command

    raise typer.Exit(command.reconcile(ask=not stored, as_json=as_json))


@app.command()
def costs(
    day: Annotated[str | None, typer.Option(help="Only this day's edition, YYYY-MM-DD.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only this topic.")] = None,
    as_json: Json = False,
) -> None:
    """What the models cost: by edition, article, role and model; failures, interrupted calls, what is left."""
    from aidran_pipeline.commands.costs import show_costs

    show_costs(day, topic, as_json=as_json)


@app.command()
def site(
    serve: Annotated[bool, typer.Option("--serve", help="Serve the built site on loopback until stopped.")] = False,
    port: Annotated[int, typer.Option(help="Port of --serve.", min=0, max=65535)] = 8000,
) -> None:
    """Build the static site from the database; with --serve, read it in a browser."""
    from aidran_pipeline.commands.site import build

    build(serve=serve, port=port)


@app.command()
def dev(port: Annotated[int, typer.Option(help="Port of the Dagster UI.", min=1, max=65535)] = 3000) -> None:
    """Dagster UI and daemon on loopback, on the embedded or configured database."""
    from aidran_pipeline.commands.dev import start

    start(port)


@app.command()
def demo() -> None:
    """The bundled sample days, ingested, analysed and published: no key, no network. `make demo` runs this."""
    from aidran_pipeline.commands.demo import play

    raise typer.Exit(play())


@db.command("start")
def db_start() -> None:
    """Start the embedded server, or check the configured one, and bring its tables up to date."""
    from aidran_pipeline.commands import database

    database.start()


@db.command("stop")
def db_stop() -> None:
    """Stop the embedded server."""
    from aidran_pipeline.commands import database

    database.stop()


@db.command("status")
def db_status(as_json: Json = False) -> None:
    """Whether the database runs, where, and whether migrations wait. Starts nothing."""
    from aidran_pipeline.commands import database

    raise typer.Exit(database.status(as_json=as_json))


@db.command("url")
def db_url() -> None:
    """Print the database's URL, password included, for psql and other tools; starts the embedded server."""
    from aidran_pipeline.commands import database

    database.url()


@db.command("backup")
def db_backup(
    file: Annotated[Path, typer.Argument(help="File to write; an older one is replaced.")],
) -> None:
    """Write the whole database, Dagster's tables included, to one file. Kept sign-ins are left out."""
    from aidran_pipeline.commands import database

    database.backup_to(file)


@db.command("restore")
def db_restore(
    file: Annotated[Path, typer.Argument(help="A file that `aidran db backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace all that is in the database.")] = False,
) -> None:
    """Bring a backup back, all or nothing."""
    from aidran_pipeline.commands import database

    database.restore_from(file, force=force)


@db.command("migrate")
def db_migrate() -> None:
    """Bring the tables to this release; safe to repeat."""
    from aidran_pipeline.commands import database

    database.migrate_now()


def main() -> None:
    """Entry point of `aidran`."""
    try:
        app()
    except BrokenPipeError:  # `aidran sources | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
