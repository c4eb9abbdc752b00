"""The bundled sample days: what the texts must hold, and that a mistake in them is named."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from aidran_pipeline.analyze.language import language_of
from aidran_pipeline.ingest import parse_body
from aidran_pipeline.sample import bodies, days
from aidran_pipeline.sample.blocks import SampleError
from aidran_pipeline.sample.days import Item, Sample, load_sample, moment_of
from aidran_pipeline_tests.conftest import REPOSITORY

PLATFORMS = ("bluesky", "news", "reddit")


@pytest.fixture(scope="module")
def sample() -> Sample:
    return load_sample()


def test_ten_days_in_a_row_each_with_three_platforms(sample: Sample) -> None:
    first = date(2026, 5, 11)
    assert list(sample.days) == [first + timedelta(days=number) for number in range(10)]
    assert len(sample.items) >= 400
    for day in sample.days:
        counted = Counter(item.platform for item in sample.items if item.published.date() == day)
        assert min(counted[platform] for platform in PLATFORMS) >= 5, day


def test_the_texts_are_varied_and_of_a_length_people_write(sample: Sample) -> None:
    originals = [item for item in sample.items if item.copy_of is None]
    texts = [f"{item.wordings[0].title}\n{item.wordings[0].body}" for item in originals]
    assert len(set(texts)) == len(texts)
    sentences = [part.strip() for text in texts for part in text.replace("\n", " ").split(". ") if len(part) > 40]
    repeated = [part for part, times in Counter(sentences).items() if times > 1]
    assert repeated == []
    reports = [len(item.wordings[0].body.split()) for item in originals if item.platform == "news"]
    assert sum(reports) / len(reports) > 45
    assert len({item.who for item in originals if item.platform == "bluesky"}) >= 60


def test_posts_fit_into_a_post_and_a_search_finds_each(sample: Sample) -> None:
    now = moment_of(sample.days[-1]) + timedelta(days=1)
    queries = [source.query for source in sample.sources if source.kind == "bluesky_search"]
    period = {"since": datetime(2026, 1, 1, tzinfo=UTC), "until": now, "limit": 1000, "start": 0}
    found = set()
    for source in (source for source in sample.sources if source.kind == "bluesky_search"):
        body = bodies.search(sample, source.query, now, **period)
        row = {"id": source.id, "config": {}}
        found |= {record.body for record in parse_body(source.kind, body, url="", content_type=None, source=row)}
    shown = {bodies._post_text(sample, item.at(now).body)[0] for item in sample.of("bluesky") if item.visible(now)}
    assert found == shown
    assert max(len(text) for text in shown) <= 300
    assert len(queries) == len(set(queries))


def test_copies_noise_languages_edits_and_removals_are_there(sample: Sample) -> None:
    copies = [item for item in sample.items if item.copy_of]
    assert len({item.copy_of for item in copies}) >= 5
    assert {item.platform for item in copies} >= {"news", "bluesky"}
    assert max(Counter(item.copy_of for item in copies).values()) >= 14
    spoken = Counter(item.language for item in sample.items)
    assert min(spoken["de"], spoken["es"]) >= 8
    words = ("football", "recipe", "election", "tennis", "slugs")
    told = " ".join(item.wordings[0].body.lower() for item in sample.items)
    assert all(word in told for word in words)
    assert sum(item.removed is not None for item in sample.items) >= 3


def test_languages_are_recognised_as_declared(sample: Sample) -> None:
    wrong = [
        (item.key, language_of(_text(item), item.language)[0])
        for item in sample.items
        if language_of(_text(item), item.language)[0] != item.language
    ]
    assert wrong == []


def _text(item: Item) -> str:
    return "\n\n".join(part for part in (item.wordings[0].title, item.wordings[0].body) if part)


def test_each_edit_is_seen_as_a_second_version(sample: Sample) -> None:
    """The first wording by the evening of its day, the second by a later evening, while its source still lists it."""
    edited = [item for item in sample.items if len(item.wordings) > 1]
    assert len(edited) >= 8
    assert {item.platform for item in edited} == {"news", "reddit"}
    for item in edited:
        first, second = item.wordings
        assert first.body != second.body or first.title != second.title
        assert moment_of(item.published.date()) < second.since <= moment_of(sample.days[-1]), item.key


def test_pages_are_whole_articles_of_the_outlets_that_link_to_them(sample: Sample) -> None:
    assert len(sample.pages) >= 20
    for page in sample.pages.values():
        prose = [part for part in page.paragraphs if not part.startswith("## ")]
        assert len(prose) >= 3 and len(" ".join(prose).split()) >= 60, page.slug
    owned = {item.page: item for item in sample.items if item.page}
    assert set(owned) == set(sample.pages)
    for slug, item in owned.items():
        assert (sample.pages[slug].outlet, sample.pages[slug].title) == (item.who, item.at(item.published).title), slug
        assert sample.pages[slug].published == item.published
    linked = Counter(slug for item in sample.items for slug in item.links)
    assert sum(times >= 2 for times in linked.values()) >= 15


def test_no_host_is_anybodys(sample: Sample) -> None:
    assert all(host.endswith(".example") for host in sample.hosts())
    assert not any("://" in _text(item) or "www." in _text(item) for item in sample.items)


def test_the_wheel_carries_the_texts() -> None:
    builder = WheelBuilder(str(REPOSITORY))
    carried = {file.distribution_path for file in builder.recurse_included_files()}
    wanted = {f"aidran_pipeline/sample/data/{path.name}" for path in days.DATA.glob("*.txt")}
    assert wanted | {"aidran_pipeline/sample/sources.yaml"} <= carried


# --- mistakes ---------------------------------------------------------------------------------------------------------

GOOD = "= news harbour-ledger 07:00 id=a\nA title\nA text.\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Words before a block\n" + GOOD, "2026-05-11.txt:1: text before the first block"),
        ("= story x 07:00\nA title\nA text.\n", "unknown kind 'story'"),
        ("= news harbour-ledger\nA title\nA text.\n", "news takes 2 words, 1 given"),
        ("= news harbour-ledger 07:00 mood=good\nA title\nA text.\n", "news knows no mood="),
        ("= news harbour-ledger 25:00\nA title\nA text.\n", "'25:00' is not a time of day"),
        ("= news harbour-ledger 07:00\n", "a title is needed"),
        ("= news harbour-ledger 07:00\nOnly a title\n", "a text is needed"),
        (GOOD + GOOD, "a stands there twice"),
        (GOOD + "= edit b at=2026-05-12T08:00\nA title\nA text.\n", "edit of 'b', which no earlier block has"),
        (GOOD + "= edit a\nA title\nA text.\n", "edit needs at=YYYY-MM-DDTHH:MM"),
        (GOOD + "= copy nobody-news 08:00 of=a\n", "no source is the outlet nobody-news"),
        (GOOD + "= post mara 08:00 link=nowhere\nAI.\n", "no page nowhere in pages.txt"),
        (GOOD + "= post mara 08:00 likes=many\nAI.\n", "likes=many is not a whole number"),
        (GOOD + "= thread no_such_place u 08:00\nA title\n", "no source reads the community no_such_place"),
        (GOOD + GOOD.replace("id=a", "id=b"), "would share the address"),
    ],
)
def test_a_mistake_is_named(text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "2026-05-11.txt").write_text(text)
    (tmp_path / "pages.txt").write_text("# none\n")
    monkeypatch.setattr(days, "DATA", tmp_path)
    with pytest.raises(SampleError) as raised:
        load_sample.__wrapped__()
    assert said in str(raised.value)


def test_an_edit_holds_from_its_moment_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = "= edit a at=2026-05-12T08:00\nA new title\nA new text.\n= remove a at=2026-05-13T08:00\n"
    (tmp_path / "2026-05-11.txt").write_text(GOOD + changed)
    (tmp_path / "pages.txt").write_text("")
    monkeypatch.setattr(days, "DATA", tmp_path)
    (item,) = load_sample.__wrapped__().items
    moment = datetime.combine(date(2026, 5, 12), time(8), UTC)
    assert item.at(moment - timedelta(minutes=1)).title == "A title"
    assert item.at(moment).title == "A new title"
    assert [item.visible(moment + timedelta(hours=hours)) for hours in (-26, 0, 23, 24)] == [False, True, True, False]
