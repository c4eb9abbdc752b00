"""A day's decisions, the most newsworthy topic first: what became a story, a dispatch, or nothing, and why.

What does not belong here: one decision in full (why.py), scoring (write/newsworthiness.py).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from aidran_pipeline.lineage.lines import Line, Page
from aidran_pipeline.store.db import Connection

DECISIONS = """
SELECT d.topic, t.label, d.decision, d.worth, d.newsworthiness, av.form, a.slug, h.text AS headline,
       d.reasons -> 0 ->> 'rule' AS rule, d.numbers -> 'newsworthiness' AS terms
FROM current_decisions d JOIN topics t ON t.slug = d.topic
LEFT JOIN article_versions av ON av.id = d.article_version_id
LEFT JOIN articles a ON a.id = av.article_id
LEFT JOIN article_sentences h ON h.article_version_id = av.id AND h.part = 'headline'
WHERE d.day = %s ORDER BY d.newsworthiness DESC NULLS LAST, t.position, d.topic
"""
TERMS = ("change", "breadth", "novelty", "saturation")


def in_order_of_worth(conn: Connection, day: date) -> list[dict[str, Any]]:
    """A row a topic: topic, label, decision, worth, newsworthiness, form, slug, headline, rule, terms.

    newsworthiness is None where none was taken: no signal, or sources unknown. An empty list: nothing was decided.
    """
    return conn.execute(DECISIONS, (day,)).fetchall()


def show_order(day: date, rows: list[dict[str, Any]], width: int = 100) -> list[Line]:
    """The rows for a terminal."""
    page = Page(width)
    if not rows:
        page.line(("head", f"{day}: nothing was decided"))
        page.pair("remedy", f"aidran run --day {day}")
        return page.lines
    published = sum(row["decision"] == "published" for row in rows)
    page.line(("head", f"{day}: {published} of {len(rows)} topics published, the most newsworthy first"))
    silent: dict[str, list[str]] = {}
    for row in rows:
        if row["decision"] == "withheld" and not row["newsworthiness"]:
            silent.setdefault(str(row["rule"]), []).append(row["topic"])
            continue
        became = row["form"] if row["decision"] == "published" else "withheld"
        page.line(
            ("", f"{row['newsworthiness'] or 0.0:5.2f}  "),
            ("good" if row["decision"] == "published" else "dim", f"{became:<9}"),
            ("", f" {row['topic']}: {row['headline'] or row['rule'] or ''}"),
        )  # fmt: skip
        terms = row["terms"] or {}
        if terms:
            said = ", ".join(f"{name} {float(terms[name]):.2f}" for name in TERMS if name in terms)
            page.line(("dim", f"{'':17}{said}"))
    for rule, topics in silent.items():
        page.head(rule, f"{len(topics)} withheld")
        page.text(", ".join(topics))
    return page.lines
