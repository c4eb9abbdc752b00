"""Text on its way to a reader: characters, addresses, citation tokens, JSON in HTML, the chart, reasons."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from aidran_pipeline.publish.chart import make_chart
from aidran_pipeline.publish.prose import plain, render
from aidran_pipeline.publish.safe import clean, hidden_characters, json_ld, web_url
from aidran_pipeline.publish.story_rows import Body, Cite
from aidran_pipeline.publish.words import count, reason


def cite(kind: str, number: int, url: str = "https://site.example/page", name: str = "Site") -> Cite:
    row: dict[str, Any] = {
        "url": url,
        "site_name": name,
        "platform": "news",
        "publisher": name,
        "author_name": None,
        "community": None,
    }
    return Cite(kind, number, [row])


def html(text: str, *cites: Cite) -> str:
    return str(render(text, Body([], list(cites)), lambda marker: f"citations/{marker}/"))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//no-scheme.example/", "https://", "https:///path",
        "https://user:secret@site.example/", "https://site.example/ space", 'https://site.example/"onclick', "https://site.example/\u202egnp",
        "http://[broken", "\x01javascript:alert(1)", "https://site.example/a\nb", "", None, "ftp://site.example/", "https://a<b>.example/",
    ],
)  # fmt: skip
def test_only_plain_web_addresses_are_linked(url: str | None) -> None:
    assert web_url(url) is None


@pytest.mark.parametrize(
    "url",
    ["https://site.example/a?b=c&d=é#f", "http://127.0.0.1:8099/x", "https://bücher.example/", "http://[::1]:80/"],
)
def test_addresses_that_may_be_linked_stay_as_they_are(url: str) -> None:
    assert web_url(url) == url


def test_overrides_and_controls_go_but_scripts_and_emoji_stay() -> None:
    family = "👩\u200d👩\u200d👧"
    assert clean(f"a\u202eb\u2066c\x00\x0b\x1b{family} שלום\u200f\tx\n") == f"abc{family} שלום\u200f\tx\n"
    assert hidden_characters("a\u202eb\x00") == 2


@given(st.text())
def test_cleaned_text_is_fit_for_xml(text: str) -> None:
    from xml.etree import ElementTree as Xml

    element = Xml.Element("t")
    element.text = clean(text).replace("\r", "")
    Xml.fromstring(Xml.tostring(element))


def test_json_in_html_cannot_close_its_element() -> None:
    value = {"headline": "</script><script>alert(1)</script> & <!-- \u2028"}
    text = str(json_ld(value))
    assert "<" not in text and ">" not in text and "&" not in text and "\u2028" not in text
    assert json.loads(text) == value


def test_record_token_becomes_a_marker_that_leads_to_its_lineage() -> None:
    text = html("The Wire said: “It rains” [[2]].", cite("record", 2, name="The Wire"))
    assert text == (
        "The Wire said: “It rains”"
        '<sup class="cite"><a href="citations/2/" aria-label="Citation 2: The Wire">[2]</a></sup>.'
    )


def test_web_token_links_the_name_where_the_sentence_gives_it() -> None:
    text = html("The page at Grid Watch says: “Grid Watch is late” [[w1]].", cite("web", 1, name="Grid Watch"))
    assert text.index(">Grid Watch</a> says") < text.index("“Grid Watch is late”")
    assert text.count('href="https://site.example/page"') == 1 and "(Grid Watch" not in text
    assert 'rel="nofollow noopener"' in text and 'href="citations/w1/"' in text


def test_web_token_names_the_source_in_brackets_where_the_sentence_does_not() -> None:
    assert '“It is late” (<a class="out"' in html("It reads “It is late” [[w1]].", cite("web", 1))


def test_web_token_with_a_bad_address_is_named_and_not_linked() -> None:
    text = html("So it reads [[w1]].", cite("web", 1, url="javascript:alert(1)"))
    assert "javascript:" not in text and "(Site)" in text


def test_token_without_a_citation_is_left_out() -> None:
    assert html("It rains [[9]].") == "It rains."


@given(st.text(max_size=60), st.text(max_size=20))
def test_no_text_gets_markup_through(text: str, name: str) -> None:
    out = html(f"{text}<b> [[1]] [[w1]]", cite("record", 1, name=name + "<i>"), cite("web", 1, name=name + "<i>"))
    assert "<b>" not in out and "<i>" not in out
    assert str(escape("<b>")) in out


def test_plain_text_has_no_tokens_left() -> None:
    assert plain("“It rains” [[1]] [[w2]], he said [[3]].") == "“It rains”, he said."


def series(*counts: int | None) -> list[dict[str, Any]]:
    return [
        {"day": f"2026-05-{i:02}", "count": n or 0, "total": 100, "coverage": 0.0 if n is None else 1.0}
        for i, n in enumerate(counts, 1)
    ]


def test_chart_leaves_out_days_before_the_first_and_marks_unknown_ones() -> None:
    chart = make_chart(series(None, None, 5, None, 7), {date(2026, 5, 5): "strong"})
    assert chart is not None
    assert [(bar.day.day, bar.known, bar.spike) for bar in chart.bars] == [
        (3, True, None),
        (4, False, None),
        (5, True, "strong"),
    ]
    assert chart.baseline == 5.0  # the day of unknown coverage is no zero
    assert all(bar.x + bar.width <= chart.width and bar.y >= 0 and bar.height >= 0 for bar in chart.bars)


def test_chart_uses_what_the_signal_expected() -> None:
    chart = make_chart(series(5, 5, 40), {}, expected=6.5)
    assert chart is not None and chart.baseline == pytest.approx(6.5)


@given(st.lists(st.one_of(st.none(), st.integers(0, 100)), max_size=40))
def test_chart_draws_any_series_within_its_frame(counts: list[int | None]) -> None:
    data = [{"day": "2026-05-01", "count": n or 0, "total": 100, "coverage": 0 if n is None else 1} for n in counts]
    chart = make_chart(data, {})
    assert (chart is None) == all(n is None for n in counts)
    for bar in chart.bars if chart else []:
        assert 0 <= bar.y <= bar.y + bar.height <= chart.floor + 0.2


def test_reasons_in_words_a_reader_knows() -> None:
    assert reason([{"gate": "evidence", "rule": "no signal"}]) == "nothing new"
    assert reason([{"gate": "quotes", "rule": "not verbatim"}]) == "a quotation did not match its source"
    assert reason([{"gate": "later_gate", "rule": "x"}]) == "later_gate"


def test_counts_agree_with_their_nouns() -> None:
    assert [count(n, "record") for n in (0, 1, 2, 1200)] == ["0 records", "1 record", "2 records", "1,200 records"]
