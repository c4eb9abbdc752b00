"""What a topic's day is worth: one score, its terms recounted here from the rows; story, dispatch or nothing; seen."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from aidran_pipeline.config.publication import ConfigError, Evidence, Newsworthiness, Publication, load_publication
from aidran_pipeline.lineage import in_order_of_worth, show_order
from aidran_pipeline.publish import render_site
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.write import check_article, in_order, write_article
from aidran_pipeline.write.fit import headline_clauses
from aidran_pipeline.write.material import load_material
from aidran_pipeline.write.newsworthiness import newsworthiness_of
from aidran_pipeline.write.select import make_plan
from aidran_pipeline.write.threads import threads_of
from aidran_pipeline_tests.material import DAY, HEALTH, LAW, PUBLICATION, rows, write
from aidran_pipeline_tests.world import at

DISPATCH = PUBLICATION.model_copy(update={"newsworthiness": Newsworthiness(story=99, dispatch=0)})
EASY = PUBLICATION.model_copy(
    update={
        "evidence": Evidence(records=2, authors=2, families=1),
        "newsworthiness": Newsworthiness(story=1, dispatch=1),
    }
)
NOTHING = PUBLICATION.model_copy(update={"newsworthiness": Newsworthiness(story=99, dispatch=99)})


def decide(conn: Connection, publication: Publication = PUBLICATION, topic: str = HEALTH, day: date = DAY) -> Any:
    return write_article(conn, day, topic, run=Run(f"w {day}", at(day, 23, 45)), publication=publication)


def pages_of(conn: Connection) -> dict[str, str]:
    return {path: data.decode() for path, data in render_site(conn, PUBLICATION) if path.endswith(".html")}


def signal(conn: Connection, kind: str, p: float, records: int = 3) -> None:
    """A signal of the health beat with evidence, as `compute_signals` would leave it."""
    conn.execute("ALTER TABLE baselines DISABLE TRIGGER sealed_stays")
    conn.execute("ALTER TABLE signals DISABLE TRIGGER sealed_stays")
    conn.execute("ALTER TABLE signal_evidence DISABLE TRIGGER sealed_stays")
    conn.execute(
        "UPDATE baselines SET history_days = 20, outcome = 'quiet' WHERE topic = %s AND day = %s", (HEALTH, DAY)
    )
    for table in ("signals", "baselines"):
        conn.execute(f"DELETE FROM {table} WHERE topic = %s AND day = %s AND kind = %s", (HEALTH, DAY, kind))
    row = conn.execute(
        """INSERT INTO baselines (topic, day, kind, series, history_days, tests, outcome, coverage, engine_version,
               input_hash, run_id)
           VALUES (%s, %s, %s, '[]', 20, 24, 'signal', '{"healthy": true}', 'test', 'test', 'test') RETURNING id""",
        (HEALTH, DAY, kind),
    ).fetchone()
    assert row is not None
    found = conn.execute(
        """INSERT INTO signals (baseline_id, topic, day, kind, observed, expected, score, p_value, p_uncorrected,
               severity, records, authors, families, engine_version, input_hash, run_id)
           VALUES (%s, %s, %s, %s, 20, 6, 4, %s, %s, 'strong', 12, 10, 5, 'test', 'test', 'test') RETURNING id""",
        (row["id"], HEALTH, DAY, kind, min(1.0, p * 24), p),
    ).fetchone()
    assert found is not None
    conn.execute(
        """INSERT INTO signal_evidence (signal_id, record_id, weight)
           SELECT %s, record_id, 0.5 FROM record_topics WHERE topic = %s AND day = %s ORDER BY record_id LIMIT %s""",
        (found["id"], HEALTH, DAY, records),
    )


# --- the score -----------------------------------------------------------------------------------------------------------


def test_the_terms_are_counts_of_rows_and_stand_with_the_decision(told: Connection) -> None:
    """Breadth, recounted in SQL from the claims' records of the day; the score is the sum of its terms."""
    result = decide(told)
    kept = rows(told, "SELECT newsworthiness, worth, numbers -> 'newsworthiness' FROM editorial_decisions")
    score, worth, terms = kept[0]
    assert worth == "story" and result.decision == "published"
    assert score == pytest.approx(sum(terms[t] for t in ("change", "breadth", "novelty", "saturation")), abs=1e-3)
    families, people, platforms = rows(
        told,
        """SELECT count(DISTINCT r.publisher_family) FILTER (WHERE r.platform = 'news') AS families,
                  count(DISTINCT r.author_key) FILTER (WHERE r.platform <> 'news') AS people,
                  count(DISTINCT r.platform) AS platforms
           FROM records r JOIN newest_record_versions v ON v.record_id = r.id
           JOIN claims c ON c.record_version_id = v.id AND c.superseded_at IS NULL
           JOIN storyline_records sr ON sr.record_id = r.id JOIN storylines s ON s.id = sr.storyline_id
           LEFT JOIN duplicate_members m ON m.record_id = r.id LEFT JOIN duplicate_groups g ON g.id = m.group_id
           WHERE s.topic = %s AND r.day = %s AND (g.id IS NULL OR g.representative = r.id)""",
        HEALTH,
        DAY,
    )[0]
    assert (terms["families_today"], terms["people_today"], terms["platforms_today"]) == (families, people, platforms)
    breadth = math.log2(1 + families) + 0.4 * math.log2(1 + people) + 0.3 * (platforms - 1)
    assert terms["breadth"] == pytest.approx(breadth, abs=1e-3) and families > 2 < people


def test_the_strongest_signal_counts_whole_and_a_second_one_half(told: Connection) -> None:
    signal(told, "volume_spike", 1e-4)
    alone = newsworthiness_of(load_material(told, DAY, HEALTH, PUBLICATION), PUBLICATION)
    signal(told, "novelty", 1e-2)
    both = newsworthiness_of(load_material(told, DAY, HEALTH, PUBLICATION), PUBLICATION)
    assert alone.terms["change"] == pytest.approx(2.0)
    assert both.terms["change"] == pytest.approx(2.0 + 1.0 / 2)
    signal(told, "novelty", 1e-300)
    assert newsworthiness_of(load_material(told, DAY, HEALTH, PUBLICATION), PUBLICATION).terms["change"] == 3 + 1.0


def test_what_was_told_yesterday_is_worth_less_today(told: Connection) -> None:
    before = newsworthiness_of(load_material(told, DAY, HEALTH, PUBLICATION), PUBLICATION)
    assert decide(told, EASY, day=DAY - timedelta(days=1)).decision == "published"
    told.execute(
        """UPDATE article_sentences SET storyline_id = (SELECT sr.storyline_id FROM storyline_records sr
               JOIN storylines s ON s.id = sr.storyline_id WHERE sr.day = %s AND s.topic = %s LIMIT 1)
           WHERE storyline_id IS NOT NULL""",
        (DAY, HEALTH),
    )
    told_of = {s for (s,) in rows(told, "SELECT DISTINCT storyline_id FROM article_sentences WHERE storyline_id > 0")}
    material = load_material(told, DAY, HEALTH, PUBLICATION)
    today = {c.source.record_id: c.source.storyline_id for c in material.claims if c.source.day == DAY}
    share = sum(s in told_of for s in today.values()) / len(today)
    after = newsworthiness_of(material, PUBLICATION)
    assert share > 0 and after.terms["saturation"] == pytest.approx(-2 * share, abs=1e-3)
    assert before.terms["saturation"] == 0 and after.score < before.score


def test_topics_come_in_the_order_of_their_scores(told: Connection) -> None:
    scores = {t: newsworthiness_of(load_material(told, DAY, t, PUBLICATION), PUBLICATION).score for t in (LAW, HEALTH)}
    assert in_order(told, DAY, (LAW, HEALTH, "ai-military"), PUBLICATION) == [
        *sorted(scores, key=lambda t: -scores[t]),
        "ai-military",
    ]


def test_thresholds_out_of_order_are_refused_by_name(tmp_path: Any) -> None:
    file = tmp_path / "publication.yaml"
    file.write_text(
        "name: X\nbase_url: http://x.example/\nai_label: Written by a machine.\nnewsworthiness: {story: 1, dispatch: 2}\n"
    )
    with pytest.raises(ConfigError, match=r"newsworthiness: .*dispatch must not need more than story"):
        load_publication(file)


# --- what it decides -----------------------------------------------------------------------------------------------------


def test_below_a_dispatch_nothing_is_written_and_the_numbers_say_why(told: Connection) -> None:
    result = decide(told, NOTHING)
    assert result.decision == "withheld" and [r["rule"] for r in result.reasons] == ["not newsworthy"]
    assert "99 needed for a dispatch" in result.reasons[0]["detail"] and "breadth" in result.reasons[0]["detail"]
    assert rows(told, "SELECT worth, draft FROM editorial_decisions") == [("nothing", None)]
    assert not decide(told, NOTHING).changed


def test_a_dispatch_is_short_passes_every_gate_and_says_what_it_is(told: Connection) -> None:
    result = decide(told, DISPATCH)
    assert result.decision == "published" and result.numbers["form"] == "dispatch", result.reasons
    assert check_article(told, result.article_version_id, DISPATCH) == []
    parts = rows(told, "SELECT part, max(section) FROM article_sentences GROUP BY part")
    assert not {"question", "answer"} & {part for part, _ in parts} and dict(parts)["body"] in (1, 2)
    assert rows(told, "SELECT form FROM article_versions") == [("dispatch",)]
    pages = pages_of(told)
    story, front = pages[f"stories/{result.slug}/index.html"], pages["index.html"]
    assert ">Dispatch<" in story and ">Dispatch<" in front and "Frequently Asked" not in story
    assert "This dispatch was generated" in story


def test_too_few_storylines_for_three_sections_make_a_dispatch(told: Connection) -> None:
    """Material for a story by its score, cut to one storyline: told short in place of not at all."""
    keep = rows(
        told,
        """SELECT storyline_id FROM storyline_records sr JOIN storylines s ON s.id = sr.storyline_id WHERE s.topic = %s
           GROUP BY storyline_id ORDER BY count(*) DESC LIMIT 1""",
        HEALTH,
    )[0][0]
    told.execute("DELETE FROM storyline_records WHERE storyline_id <> %s", (keep,))
    result = decide(told, EASY)
    assert result.decision == "published", result.reasons
    assert rows(told, "SELECT worth FROM editorial_decisions") == [("story",)]
    assert result.numbers["form"] == "dispatch"


def test_a_warning_is_no_reason_for_a_story_and_stands_beside_one(told: Connection) -> None:
    signal(told, "coordinated_posting", 1e-6)
    assert [r["rule"] for r in decide(told).reasons] == ["no signal"]
    signal(told, "volume_spike", 1e-4)
    result = decide(told)
    assert result.decision == "published"
    assert rows(
        told, "SELECT numbers #>> '{newsworthiness,change}' FROM editorial_decisions ORDER BY id DESC LIMIT 1"
    ) == [("2.0",)]
    page = pages_of(told)[f"stories/{result.slug}/index.html"]
    assert "because of a strong volume spike" in page and "coordinated posting" in page.split("Take care")[1]


def test_the_page_leads_with_the_matter_it_is_written_for(told: Connection) -> None:
    """A signal of one matter puts the storyline of its records first; a rise of all voices does not."""
    material = load_material(told, DAY, HEALTH, PUBLICATION)
    usual = make_plan(material).lead.storyline.id
    others = [
        t for t in threads_of(material) if t.storyline.id != usual and any(headline_clauses(c) for c in t.claims[:8])
    ]
    wanted = others[-1]
    evidence = {str(wanted.claims[0].source.record_id): 1.0}
    for kind, lead in (("entity_surge", wanted.storyline.id), ("volume_spike", usual)):
        signal_row = {"kind": kind, "evidence": evidence}
        assert make_plan(replace(material, signals=(signal_row,))).lead.storyline.id == lead


# --- seen ----------------------------------------------------------------------------------------------------------------


def test_a_storys_reasons_lead_to_their_evidence(told: Connection) -> None:
    signal(told, "volume_spike", 1e-4, records=6)
    result = decide(told)
    pages = pages_of(told)
    story, reasons = (pages[f"stories/{result.slug}/{part}index.html"] for part in ("", "why/"))
    assert f'href="../../stories/{result.slug}/why/"' in story
    assert "The 6 records it rests on" in reasons and "Volume spike" in reasons
    evidence = {
        record
        for (record,) in rows(
            told,
            "SELECT record_id FROM signal_evidence e JOIN signals s ON s.id = e.signal_id WHERE s.topic = %s",
            HEALTH,
        )
    }
    cited = dict(rows(told, "SELECT record_id, number FROM citations WHERE kind = 'record'"))
    markers = {str(cited[r]) for r in evidence & set(cited)}
    assert markers and all(f"citations/{m}/" in reasons for m in markers)
    assert reasons.count(">[") == len(markers)
    score = rows(told, "SELECT newsworthiness FROM editorial_decisions")[0][0]
    assert f"This day scored {score:.2f}: enough for a story." in reasons


def test_the_front_page_and_the_days_list_follow_the_score(told: Connection) -> None:
    decide(told, topic=LAW)
    decide(told)
    listed = in_order_of_worth(told, DAY)
    scores = [row["newsworthiness"] for row in listed]
    assert scores == sorted(scores, reverse=True) and {row["topic"] for row in listed} == {LAW, HEALTH}
    front = pages_of(told)["index.html"]
    published = [row["slug"] for row in listed if row["decision"] == "published"]
    assert len(published) == 2 and front.index(published[0]) < front.index(published[1])
    shown = "\n".join(line.plain for line in show_order(DAY, listed))
    assert "2 of 2 topics published" in shown and f"{scores[0]:.2f}" in shown
    assert json.loads(json.dumps(listed, default=str))[0]["terms"]["breadth"] > 0
    assert "aidran run --day 2020-01-01" in "\n".join(line.plain for line in show_order(date(2020, 1, 1), []))


def test_a_quiet_topics_page_says_what_was_measured(told: Connection) -> None:
    told.execute("ALTER TABLE baselines DISABLE TRIGGER sealed_stays")
    told.execute("UPDATE baselines SET history_days = 20, outcome = 'quiet' WHERE topic = %s", (HEALTH,))
    write(told)
    page = pages_of(told)[f"topics/{HEALTH}/index.html"]
    assert "Nothing new, and how we know" in page and "What was measured that day" in page
    assert "Volume spike" in page and "no change" in page
