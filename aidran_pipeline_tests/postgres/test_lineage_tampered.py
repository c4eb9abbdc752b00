"""verify: every altered character of a claim, quote, sentence, figure, citation or built page is found and named.

Stored bodies and versions: test_lineage_verify.py.
"""

from __future__ import annotations

from dataclasses import asdict

import pytest
from psycopg.types.json import Jsonb

from aidran_pipeline.signal import KINDS, replay
from aidran_pipeline.write import content_hash_of
from aidran_pipeline_tests.faults.clean_story import DAY
from aidran_pipeline_tests.lineage_scene import Scene, altered_text, kinds, named

# --- claims, quotes, sentences, figures -------------------------------------------------------------------------------


def test_one_character_of_a_claim(scene: Scene) -> None:
    claim = scene.one("SELECT id FROM claims WHERE quote LIKE 'Nobody asked%%'")
    scene.sql("UPDATE claims SET quote = replace(quote, 'fishers', 'fishars') WHERE id = %(id)s", id=claim)
    report = scene.verify()
    assert named(report, "claim", claim=claim)
    (broken,) = [each for each in report.mismatches if each.kind == "claim"]
    assert "fishers" in broken.expected
    assert "fishars" in broken.found


def test_a_claim_moved_to_other_words(scene: Scene) -> None:
    claim = scene.one("SELECT id FROM claims WHERE quote LIKE 'Nobody asked%%'")
    scene.sql("UPDATE claims SET start_at = start_at + 1, end_at = end_at + 1 WHERE id = %(id)s", id=claim)
    report = scene.verify()
    assert named(report, "claim", claim=claim)
    assert named(report, "quote", claim=claim)


def test_one_character_of_a_cited_quote(scene: Scene) -> None:
    use = scene.one("SELECT max(id) FROM sentence_citations WHERE quote LIKE 'Nobody asked%%'")
    ordinal = scene.one(
        "SELECT ordinal FROM article_sentences s JOIN sentence_citations c ON c.sentence_id = s.id WHERE c.id = %(id)s",
        id=use,
    )
    scene.sql("UPDATE sentence_citations SET quote = replace(quote, 'pipe', 'pope') WHERE id = %(id)s", id=use)
    report = scene.verify()
    assert named(report, "quote", slug=scene.story.slug, version=2, sentence=ordinal)
    assert named(report, "content", slug=scene.story.slug, version=2)
    assert not named(report, "content", version=1)


def test_one_character_of_a_quote_and_its_claim_and_its_sentence(scene: Scene) -> None:
    for table in ("claims", "sentence_citations"):
        scene.sql(
            f"""UPDATE {table} SET quote = replace(quote, 'sensible use', 'sensible ruse'), end_at = end_at + 1
                WHERE quote LIKE '%%sensible use%%'"""
        )
    scene.sql("UPDATE article_sentences SET text = replace(text, 'sensible use', 'sensible ruse')")
    report = scene.verify()
    assert {"claim", "quote", "content", "site"} <= kinds(report)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("Circuit Weekly wrote", "Circuit Weekly wrate", "body"),
        ("opened a 40-megawatt", "opened a 44-megawatt", "headline"),
        ("two posts", "ten posts", "dek"),
        ("Port of Aldmoor", "Fort of Aldmoor", "short_title"),
    ],
)
def test_one_character_of_a_sentence(scene: Scene, old: str, new: str, part: str) -> None:
    changed = scene.sql(
        """UPDATE article_sentences SET text = replace(text, %(old)s, %(new)s)
           WHERE article_version_id = %(version)s AND part = %(part)s AND text LIKE %(like)s""",
        old=old, new=new, part=part, version=scene.story.version, like=f"%{old}%",
    )  # fmt: skip
    assert changed == 1
    report = scene.verify(scene.story.slug)
    assert named(report, "content", slug=scene.story.slug, version=2)
    page = f"stories/{scene.story.slug}/index.html"
    assert named(report, "site", path=page)
    ordinal = scene.one(
        "SELECT ordinal FROM article_sentences WHERE article_version_id = %(id)s AND text LIKE %(like)s ORDER BY 1 LIMIT 1",
        id=scene.story.version, like=f"%{new}%",
    )  # fmt: skip
    assert named(report, "site", path=f"stories/{scene.story.slug}/index.json", sentences=[ordinal])


def test_a_sentence_and_the_hash_that_vouches_for_it(scene: Scene) -> None:
    """With the content hash recomputed, the built pages and the gates are what is left."""
    scene.sql("UPDATE article_sentences SET text = replace(text, 'It added', 'It adds') WHERE part = 'body'")
    for version in (scene.story.first_version, scene.story.version):
        digest = content_hash_of(scene.conn, version)
        scene.sql("UPDATE article_versions SET content_hash = %(d)s WHERE id = %(id)s", d=digest, id=version)
    report = scene.verify()
    assert kinds(report) == {"gate", "site"}
    assert named(report, "site", path=f"stories/{scene.story.slug}/index.html")


def test_an_older_version_is_verified_too(scene: Scene) -> None:
    scene.sql(
        "UPDATE article_sentences SET text = replace(text, 'wrote', 'wrate') WHERE article_version_id = %(id)s",
        id=scene.story.first_version,
    )
    report = scene.verify()
    assert named(report, "content", slug=scene.story.slug, version=1)
    assert named(report, "site", path=f"stories/{scene.story.slug}/v/1/index.html")
    assert not named(report, "content", version=2)


@pytest.mark.parametrize(
    ("column", "kind", "place"),
    [
        ("records_cited", "count", {"column": "records_cited"}),
        ("pages_cited", "count", {"column": "pages_cited"}),
        ("records_read", "gate", {"gate": "counts"}),
    ],
)
def test_a_figure_of_an_article(scene: Scene, column: str, kind: str, place: dict[str, str]) -> None:
    scene.sql(f"UPDATE article_versions SET {column} = {column} + 1 WHERE id = %(id)s", id=scene.story.version)
    assert named(scene.verify(), kind, slug=scene.story.slug, version=2, **place)


@pytest.mark.parametrize(
    "change",
    ["published_at = published_at + interval '1 minute'", "engine_version = 'extractive-9'", "run_id = 'run-x'"],
)
def test_what_the_pages_print_of_a_version_stands_on_the_built_pages(scene: Scene, change: str) -> None:
    scene.sql(f"UPDATE article_versions SET {change} WHERE id = %(id)s", id=scene.story.version)
    assert "site" in kinds(scene.verify())


def test_a_citation_that_points_elsewhere(scene: Scene) -> None:
    (record, _), (_, other_version) = scene.story.records[3], scene.story.records[7]
    scene.sql(
        """UPDATE citations SET record_version_id = %(other)s
           WHERE record_id = %(record)s AND article_version_id = %(version)s""",
        other=other_version, record=record, version=scene.story.version,
    )  # fmt: skip
    report = scene.verify()
    assert any("of another record" in each.message for each in report.mismatches)
    assert any("not one of the cited version" in each.message for each in report.mismatches)
    assert named(report, "quote", slug=scene.story.slug, record_id=record)
    assert named(report, "content", version=2)


def test_a_citation_that_points_nowhere(scene: Scene) -> None:
    scene.sql("UPDATE citations SET web_page_version_id = 999999 WHERE kind = 'web'")
    assert named(scene.verify(), "page", version_id=999999)


def test_citation_numbers_exchanged(scene: Scene) -> None:
    scene.sql(
        """UPDATE citations SET number = CASE number WHEN 1 THEN 1001 ELSE 1002 END
           WHERE kind = 'record' AND number IN (1, 2) AND article_version_id = %(id)s""",
        id=scene.story.version,
    )
    scene.sql("UPDATE citations SET number = CASE number WHEN 1001 THEN 2 ELSE 1 END WHERE number > 1000")
    report = scene.verify()
    assert named(report, "marker", slug=scene.story.slug, version=2)
    assert "content" not in kinds(report)  # it knows targets, not numbers


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("UPDATE citations SET weight = weight - 0.0001 WHERE number = 1", "weight"),
        ("UPDATE sentence_citations SET support = 'partly' WHERE quote LIKE 'Nobody%%'", "marker"),
        ("UPDATE sentence_citations SET judge_version = 'verbatim-0' WHERE quote LIKE 'Nobody%%'", "marker"),
        ("UPDATE article_versions SET inputs = jsonb_set(inputs, '{storylines}', '[999]')", "input"),
        ("UPDATE article_versions SET inputs = jsonb_set(inputs, '{signals}', '\"x\"')", "input"),
        ("UPDATE article_versions SET inputs = '[]'", "input"),
        ("DELETE FROM editorial_decisions", "version"),
        ("UPDATE editorial_decisions SET numbers = jsonb_set(numbers, '{records_read}', '8')", "version"),
        ("UPDATE article_versions SET input_hash = input_hash || 'x'", "version"),
        ("UPDATE web_pages SET canonical_url = canonical_url || 's' WHERE canonical_url LIKE '%%/authority'", "page"),
        ("UPDATE article_versions SET number = 3 WHERE number = 2", "version"),
        ("DELETE FROM sentence_citations WHERE quote LIKE 'Nobody%%'", "count"),
        ("DELETE FROM sentence_rests_on", "content"),
        ("DELETE FROM record_observations", "record"),
        ("DELETE FROM storylines", "input"),
    ],
)
def test_other_rows_of_a_story(scene: Scene, change: str, kind: str) -> None:
    assert scene.sql(change) > 0
    report = scene.verify()
    assert kind in kinds(report), report.as_dict()


def test_rows_that_no_longer_fit_together_are_mismatches_not_crashes(scene: Scene) -> None:
    scene.sql("DELETE FROM record_versions")
    scene.sql("DELETE FROM claims")
    scene.sql("DELETE FROM sources")
    scene.sql("UPDATE article_versions SET inputs = 'null'")
    scene.sql("UPDATE article_sentences SET facts = '[{\"nonsense\": 1}]'")
    report = scene.verify()
    assert {"record", "quote", "content", "gate", "site"} <= kinds(report)
    assert any("cannot be run" in each.message for each in report.mismatches if each.kind == "gate")


# --- built pages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("stories/{slug}/index.html", b"40-megawatt", b"41-megawatt"),
        ("stories/{slug}/index.json", b"40-megawatt", b"41-megawatt"),
        ("stories/{slug}/citations/w1/index.html", b"two degrees", b"ten degrees"),
        ("stories/{slug}/v/1/index.html", b"Harbour Ledger", b"Harbour Lodger"),
        ("feed.xml", b"Aldmoor", b"Aldmour"),
        ("feed.json", b"Aldmoor", b"Aldmour"),
        ("sitemap.xml", b"2026", b"2027"),
        ("index.html", b"Aldmoor", b"Aldmour"),
        ("style.css", b"{", b"{ "),
    ],
)
def test_one_character_of_a_built_file(scene: Scene, path: str, old: bytes, new: bytes) -> None:
    path = path.format(slug=scene.story.slug)
    file = scene.site / path
    data = file.read_bytes()
    assert old in data
    file.write_bytes(data.replace(old, new, 1))
    report = scene.verify()
    assert [(each.kind, each.where["path"]) for each in report.mismatches] == [("site", path)]


def test_a_missing_and_a_planted_file(scene: Scene) -> None:
    slug = scene.story.slug
    (scene.site / f"stories/{slug}/citations/1/index.html").unlink()
    planted = scene.site / "stories/2026-05-20-ai-law-never-written/index.html"
    planted.parent.mkdir(parents=True)
    planted.write_text("<h1>Never written</h1>")
    (scene.site / "methodology/index.html").unlink()
    (scene.site / "methodology/index.html").mkdir()
    report = scene.verify()
    assert {each.where["path"] for each in report.mismatches} == {
        f"stories/{slug}/citations/1/index.html",
        "stories/2026-05-20-ai-law-never-written/index.html",
        "methodology/index.html",
    }


def test_bytes_that_read_alike_are_told_apart(scene: Scene) -> None:
    file = scene.site / "feed.json"
    file.write_bytes(file.read_bytes().replace(b"Aldmoor", b"Ald\xffmoor", 1))
    (broken,) = scene.verify().mismatches
    assert broken.where["path"] == "feed.json"


# --- all at once, and what is no mismatch -----------------------------------------------------------------------------


def test_it_never_stops_at_the_first(scene: Scene) -> None:
    key = scene.payload_of(2)
    scene.put_body(key, scene.body(key).replace(b"22 percent", b"23 percent"))
    altered_text(scene, scene.story.records[3][1], "this week", "this weak", with_hash=True)
    scene.sql("UPDATE claims SET quote = replace(quote, 'fishers', 'fishars')")
    scene.sql("UPDATE article_versions SET pages_cited = 7 WHERE id = %(id)s", id=scene.story.version)
    (scene.site / "feed.json").write_bytes(b"{}")
    report = scene.verify()
    assert named(report, "body", payload=key)
    assert named(report, "record", record_id=scene.story.records[2][0])
    assert named(report, "record", record_id=scene.story.records[3][0])
    assert {"claim", "count"} <= kinds(report)
    assert named(report, "site", path="feed.json")
    assert not report.ok


# --- signals ----------------------------------------------------------------------------------------------------------


def measured(scene: Scene) -> int:
    """A signal of the day, as replaying its baseline gives it, named as an input of the current version."""
    (kind,) = [each for each in KINDS if each.name == "volume_spike"]
    series = [
        {"day": f"2026-05-{at:02d}", "count": 40 if at == 20 else 8, "total": 100, "share": 0.08, "coverage": 1.0}
        for at in range(1, 21)
    ]
    finding = replay(series, kind.name, 24)
    assert finding.severity is not None
    values = {"topic": "ai-law", "day": DAY, "kind": kind.name, "version": kind.version, "series": Jsonb(series)}
    baseline = scene.one(
        """INSERT INTO baselines (topic, day, kind, series, history_days, tests, outcome, coverage, engine_version,
               input_hash, run_id)
           VALUES (%(topic)s, %(day)s, %(kind)s, %(series)s, 19, 24, 'signal', '{"healthy": true}', %(version)s,
               'test', 'run-signal') RETURNING id""",
        **values,
    )
    signal = scene.one(
        """INSERT INTO signals (baseline_id, topic, day, kind, observed, expected, score, p_value, p_uncorrected,
               severity, records, authors, families, engine_version, input_hash, run_id)
           VALUES (%(baseline)s, %(topic)s, %(day)s, %(kind)s, %(observed)s, %(expected)s, %(score)s, %(p_value)s,
               %(p_uncorrected)s, %(severity)s, 40, 30, 4, %(version)s, 'test', 'run-signal') RETURNING id""",
        **values, **asdict(finding), baseline=baseline,
    )  # fmt: skip
    scene.sql(
        "UPDATE article_versions SET inputs = jsonb_set(inputs, '{signals}', %(ids)s) WHERE id = %(id)s",
        ids=Jsonb([signal]), id=scene.story.version,
    )  # fmt: skip
    return int(signal)


def test_a_signal_is_replayed_bit_for_bit(scene: Scene) -> None:
    signal = measured(scene)
    report = scene.verify(scene.story.slug)
    assert report.checked["signal"] == 1
    assert "signal" not in kinds(report)
    scene.sql("UPDATE signals SET expected = expected + 0.000001 WHERE id = %(id)s", id=signal)
    assert named(scene.verify(), "signal", signal=signal, column="expected")
    scene.sql("""UPDATE baselines SET series = jsonb_set(series, '{19,count}', '39') WHERE topic = 'ai-law'""")
    assert named(scene.verify(), "signal", signal=signal, column="observed")
    scene.sql("""UPDATE baselines SET series = '["nonsense"]' WHERE topic = 'ai-law'""")
    assert any("cannot be replayed" in each.message for each in scene.verify().mismatches)


def test_a_signal_measured_again_within_the_day_is_a_note_and_one_missing_after_the_seal_a_mismatch(
    scene: Scene,
) -> None:
    signal = measured(scene)
    scene.sql("DELETE FROM signals")
    report = scene.verify(scene.story.slug)
    assert "input" not in kinds(report)
    assert any(f"signal {signal} was measured again" in note for note in report.notes)
    scene.sql("UPDATE baselines SET sealed_at = '2026-05-20 18:00+00' WHERE topic = 'ai-healthcare'")
    assert named(scene.verify(scene.story.slug), "input", table="signals", id=signal)
