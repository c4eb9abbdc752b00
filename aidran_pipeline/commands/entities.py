"""`aidran entities`: names that the table of entities may lack. Not here: finding them (analyze/entities.py)."""

from __future__ import annotations

from datetime import timedelta

from aidran_pipeline.commands.console import CommandError, emit_json, say, table
from aidran_pipeline.config.settings import Settings

SHOWN = 60


def show_entities(days: int, records: int, families: int, *, as_json: bool) -> None:
    """Proposals from the last days that hold records: seen in so many texts about AI, of so many publisher families."""
    from aidran_pipeline.analyze import new_names
    from aidran_pipeline.defs.resources import Newsroom

    with Newsroom(settings=Settings()).connection() as conn:
        row = conn.execute("SELECT max(day) AS day FROM record_analysis").fetchone()
        if row is None or row["day"] is None:
            raise CommandError("nothing was analysed yet; `aidran run` makes an edition")
        last = row["day"]
        first = last - timedelta(days=days - 1)
        found = new_names(conn, first, last, records=records, families=families)
    if as_json:
        emit_json({"from": first, "to": last, "records": records, "families": families, "names": found})
        return
    least = f"{records} texts about AI or more, of {families} publisher families or more"
    say(f"{first} to {last}: {len(found)} names in {least}, that config/entities.yaml does not know")
    if found:
        table(
            ("name", "since", "texts", "families", "days", "platforms", "as in"),
            [
                [each["name"], str(each["first_day"]) if each["new"] else "", str(each["records"]),
                 str(each["families"]), str(each["days"]), " ".join(each["platforms"]), each["example"][:70]]
                for each in found[:SHOWN]
            ],
        )  # fmt: skip
    if len(found) > SHOWN:
        say(f"… and {len(found) - SHOWN} more (--json)")
