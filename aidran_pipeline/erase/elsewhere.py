"""Where else words of a record may stand: decisions, inputs, signals' subjects, model replies, Dagster's own tables.

Looked for by runs of words, in what was made from the record's day on. What does not belong here: stories and bodies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from aidran_pipeline.erase.words import BLANK, Erased
from aidran_pipeline.store.db import Connection

LASTS = timedelta(days=31)  # a later story may speak of an earlier one for so long

# (table, key, the columns with words, which rows: those of days first to last)
JSON_ROWS = (
    ("editorial_decisions", ("reasons", "numbers", "draft"), "t.day BETWEEN %(first)s AND %(last)s"),
    (
        "article_versions",
        ("inputs",),
        "t.article_id IN (SELECT id FROM articles WHERE day BETWEEN %(first)s AND %(last)s)",
    ),
    ("baselines", ("series", "coverage"), "t.day BETWEEN %(first)s AND %(last)s"),
)  # fmt: skip
DASHES = re.compile(r"[^A-Za-z0-9 -]+")


def sweep_json(conn: Connection, record_id: int, day: date, erased: Erased, removed: set[str]) -> int:
    """Blank every text of JSON columns that holds the words, and what of a draft quotes the record; rows changed."""
    changed = 0
    window = {"first": day, "last": day + LASTS}
    for table, columns, rows in JSON_ROWS:
        for row in conn.execute(f"SELECT t.id, {', '.join(columns)} FROM {table} t WHERE {rows}", window).fetchall():
            new = {}
            for column in columns:
                value, altered = erased.out_of(row[column])
                if column == "draft":
                    value, quoted = _without_quotes(value, record_id)
                    altered |= quoted
                if altered:
                    new[column] = Jsonb(value)
                    removed |= _texts(row[column]) - _texts(value)
            if new:
                names = ", ".join(f"{name} = %({name})s" for name in new)
                conn.execute(f"UPDATE {table} SET {names} WHERE id = %(id)s", {**new, "id": row["id"]})
                changed += 1
    for row in conn.execute(
        "SELECT id, subject FROM signals WHERE subject IS NOT NULL AND day BETWEEN %(first)s AND %(last)s", window
    ).fetchall():
        if erased.in_text(row["subject"]):
            conn.execute("UPDATE signals SET subject = %s WHERE id = %s", (BLANK, row["id"]))
            changed += 1
    return changed


def _without_quotes(draft: Any, record_id: int) -> tuple[Any, bool]:
    """A kept draft without the sentences that quote the record."""
    changed = False
    for sentence in draft.get("sentences", []) if isinstance(draft, dict) else []:
        quotes = [quote for quote in sentence.get("quotes", []) if quote.get("record") != record_id]
        if len(quotes) != len(sentence.get("quotes", [])):
            sentence["quotes"], sentence["text"], changed = quotes, BLANK, True
    return draft, changed


def _texts(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {text for part in parts for text in _texts(part)}


def forget_replies(conn: Connection, day: date, erased: Erased, versions: Iterable[int], statements: Erased) -> int:
    """Delete kept replies of models that hold the words, or statements made of them; how many went.

    Those behind a story that cited the record go whole: a paraphrase has no words to look for. versions: its versions.
    """
    window = {"first": day, "last": day + LASTS, "versions": list(versions)}
    rows = conn.execute(
        """SELECT m.request_key, m.content, m.refusal, c.id, c.detail, c.id IN (
               SELECT x.id::bigint
               FROM article_versions a, jsonb_array_elements_text(COALESCE(a.inputs->'calls', '[]')) x(id)
               WHERE a.id = ANY(%(versions)s)) AS behind
           FROM model_completions m JOIN model_calls c ON c.id = m.call_id
           WHERE c.day BETWEEN %(first)s AND %(last)s""",
        window,
    ).fetchall()
    gone = [
        row["request_key"] for row in rows
        if row["behind"] or any(e.in_text(f"{row['content']} {row['refusal'] or ''}") for e in (erased, statements))
    ]  # fmt: skip
    conn.execute("DELETE FROM model_completions WHERE request_key = ANY(%s)", (gone,))
    for row in conn.execute(
        "SELECT id, detail FROM model_calls WHERE detail IS NOT NULL AND day BETWEEN %(first)s AND %(last)s", window
    ).fetchall():
        if erased.in_text(row["detail"]) or statements.in_text(row["detail"]):
            conn.execute("UPDATE model_calls SET detail = %s WHERE id = %s", (BLANK, row["id"]))
    return len(gone)


def sweep_dagster(conn: Connection, removed: set[str], erased: Erased, schema: str = "dagster") -> int:
    """Blank in Dagster's tables what was removed from ours: headlines, addresses and reasons in its metadata.

    Rows are found by a piece of each removed text, then searched for runs of words like everything else. A schema that
    is not there has none. Returns how many rows changed.
    """
    needles = sorted({piece for text in removed for piece in _pieces(text)})
    if not needles:
        return 0
    changed = 0
    columns = conn.execute(
        """SELECT c.table_name, c.column_name FROM information_schema.columns c
           JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
           WHERE c.table_schema = %s AND t.table_type = 'BASE TABLE' AND c.data_type IN ('text', 'character varying')
             AND c.table_name <> 'alembic_version' ORDER BY 1, 2""",
        (schema,),
    ).fetchall()
    for column in columns:
        names = {"table": sql.Identifier(schema, column["table_name"]), "column": sql.Identifier(column["column_name"])}
        query = sql.SQL("SELECT ctid::text AS at, {column} AS text FROM {table} WHERE {column} ILIKE ANY(%s)")
        for row in conn.execute(query.format(**names), ([f"%{needle}%" for needle in needles],)).fetchall():
            new = _blanked(row["text"], erased)
            if new != row["text"]:
                conn.execute(
                    sql.SQL("UPDATE {table} SET {column} = %s WHERE ctid = %s::tid").format(**names), (new, row["at"])
                )
                changed += 1
    return changed


def _pieces(text: str) -> list[str]:
    """What is written alike in JSON, in an address and as it is: the longest run of plain letters, if it is long."""
    parts = sorted((part.strip() for part in DASHES.split(text)), key=len, reverse=True)
    longest = parts[0] if parts else ""
    words = longest.split()
    piece = " ".join(words[:5]) if len(words) > 5 else longest
    return [piece] if len(piece) >= 12 else []


def _blanked(text: str, erased: Erased) -> str:
    try:
        value, changed = erased.out_of(json.loads(text))
    except ValueError:
        return BLANK if erased.in_text(text) else text
    return json.dumps(value) if changed else text
