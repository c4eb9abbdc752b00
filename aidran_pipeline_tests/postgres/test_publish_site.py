"""The site rendered from a small newsroom: shape, order, lineage, determinism, stale files, hostile texts, feeds."""

from __future__ import annotations

import html as entities
import json
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from urllib.parse import urljoin
from xml.etree import ElementTree as Xml

import feedparser

from aidran_pipeline.config.publication import Publication, load_publication
from aidran_pipeline.publish import render_site
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.newsroom import DAY, Built, Item, Newsroom, Say

RUN = Run("run-site", datetime(2026, 5, 20, 22, tzinfo=UTC))
VOID = {"meta", "link", "br", "img", "hr", "input"}
PUBLICATION = load_publication()


class Shape(HTMLParser):
    """Elements balanced as they must be, with ids, links and headings."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[dict[str, str | None]] = []
        self.headings: list[int] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.title = ""
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self._note(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, dict(attrs))

    def _note(self, tag: str, values: dict[str, str | None]) -> None:
        self.tags.append(tag)
        self.attributes |= values.keys()
        if "id" in values:
            self.ids.append(values["id"] or "")
        if tag in ("a", "link"):
            self.links.append(values | {"tag": tag})
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title" and "svg" not in self.open:
            self.title += data


def site_of(conn: Connection, publication: Publication = PUBLICATION) -> dict[str, bytes]:
    return dict(render_site(conn, publication))


def page(site: dict[str, bytes], path: str) -> str:
    return site[path + "index.html"].decode()


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", entities.unescape(re.sub(r"<[^>]+>", " ", html)))


def check_site(site: dict[str, bytes]) -> None:
    """Every page is whole, every inner link leads to a page (and id), nothing is fetched elsewhere."""
    shapes = {path: Shape(data.decode()) for path, data in site.items() if path.endswith(".html")}
    for path, shape in shapes.items():
        assert shape.tags.count("h1") == 1 and shape.tags.count("main") == 1 and shape.title, path
        assert all(b - a <= 1 for a, b in zip(shape.headings, shape.headings[1:], strict=False)), (path, shape.headings)
        assert len(shape.ids) == len(set(shape.ids)), f"{path}: an id twice"
        assert not [name for name in shape.attributes if name.startswith("on") or name == "style"], path
        assert not {"img", "iframe", "object", "embed", "form", "style"} & set(shape.tags), path
        assert "default-src 'none'" in entities.unescape(site[path].decode())
        for link in shape.links:
            check_link(path, link, shapes, site)


def check_link(path: str, link: dict[str, str | None], shapes: dict[str, Shape], site: dict[str, bytes]) -> None:
    href = link["href"] or ""
    if re.match("https?://", href):
        assert link["rel"] == ("canonical" if link["tag"] == "link" else "nofollow noopener"), (path, href)
        return
    target, _, fragment = urljoin("http://site/" + path, href).removeprefix("http://site/").partition("#")
    name = target + "index.html" if target.endswith("/") or not target else target
    assert name in site, f"{path} leads nowhere: {href}"
    assert not fragment or fragment in shapes[name].ids, f"{path}: no #{fragment} on {name}"


def test_every_page_is_whole_and_every_link_leads_somewhere(conn: Connection, built: Built) -> None:
    site = site_of(conn)
    check_site(site)
    wanted = {
        "index.html",
        "404.html",
        "style.css",
        "icon.svg",
        "feed.xml",
        "feed.json",
        "sitemap.xml",
        "methodology/index.html",
        "corrections/index.html",
        "topics/ai-law/index.html",
        f"stories/{built.lead}/index.html",
        f"stories/{built.lead}/index.json",
        f"stories/{built.lead}/v/1/index.html",
        f"stories/{built.lead}/v/2/index.html",
        f"stories/{built.lead}/citations/1/index.html",
        f"stories/{built.lead}/citations/w2/index.html",
        f"stories/{built.beside}/index.html",
        f"stories/{built.earlier}/index.html",
    }
    assert wanted <= site.keys()


def test_an_empty_database_still_makes_a_site(conn: Connection) -> None:
    site = site_of(conn)
    check_site(site)
    assert "Nothing has been published yet" in page(site, "")


def test_two_renders_are_equal_and_pages_come_after_what_they_lead_down_to(conn: Connection, built: Built) -> None:
    first, second = list(render_site(conn, PUBLICATION)), list(render_site(conn, PUBLICATION))
    assert first == second
    order = [path for path, _ in first]
    story = f"stories/{built.lead}/"
    assert len(order) == len(set(order))
    assert order.index(story + "citations/1/index.html") < order.index(story + "index.html") < order.index("index.html")


def test_story_page_follows_the_order_of_the_example(conn: Connection, built: Built) -> None:
    html = page(site_of(conn), f"stories/{built.lead}/")
    text = text_of(html.split("<main", 1)[1])
    order = [
        PUBLICATION.ai_label,
        "AI & Geopolitics",
        "Bluesky Reddit News",
        "Gulf funds order 18 billion",
        "So Meridian Post put it",
        "7 records · 2 web citations",
        "The first halls open in 2027",
        "Eight months is a procurement cycle",
        "Memory maker puts the cooling",
        "The story so far",
        "Frequently Asked",
        "Why do Gulf funds matter?",
        "Methodology",
        "Ingest Analyze Signal Write",
        "Read full methodology",
        "Citations",
        "Earlier in AI & Geopolitics",
        "In the same edition",
    ]
    at = 0
    for words in order:
        found = text.find(words, at)
        assert found >= 0, f"{words!r} is missing or out of order"
        at = found
    assert Shape(html).title == f"Gulf funds and the race for power // {PUBLICATION.name}"
    assert '<meta name="ai-generated" content="true">' in html
    assert '<meta property="og:title" content="Gulf funds order 18 billion dollars of sovereign data centres">' in html


def test_sentences_link_their_citations_and_synthesis_is_labelled(conn: Connection, built: Built) -> None:
    html = page(site_of(conn), f"stories/{built.lead}/")
    assert html.count(f'href="../../stories/{built.lead}/citations/1/" aria-label="Citation 1: Meridian Post"') == 3
    assert '<span id="s10" class="synthesis"' in html and '<span id="s5">' in html
    assert '<a class="out" href="https://report.example/report"' in html
    assert f'<a href="../../stories/{built.earlier}/">Ministries to map planned data halls</a>' in html
    assert "[[" not in html


def test_methodology_block_is_made_from_the_rows(conn: Connection, built: Built) -> None:
    site = site_of(conn)
    text = text_of(page(site, f"stories/{built.lead}/"))
    assert "generated automatically from 41 records" in text and "models: none; cost: 0" in text
    assert "a strong volume spike on 20 May 2026 (41 voices counted, 17.3 expected" in text
    assert "No human edited it" in text
    assert "warming up" in text_of(page(site, f"stories/{built.beside}/"))


def test_a_human_decision_takes_the_statement_back(conn: Connection, built: Built) -> None:
    conn.execute("UPDATE editorial_decisions SET made_by = 'human' WHERE topic = 'ai-healthcare'")
    site = site_of(conn)
    text = text_of(page(site, f"stories/{built.beside}/"))
    assert "A person took part" in text and "No human edited it" not in text
    assert "No human edited it" in text_of(page(site, f"stories/{built.lead}/"))


def test_lineage_page_gives_the_whole_chain(conn: Connection, built: Built) -> None:
    site = site_of(conn)
    html = page(site, f"stories/{built.lead}/citations/1/")
    row = conn.execute(
        "SELECT * FROM citation_lineage WHERE slug = %s AND marker = '1' AND article_version = 2 LIMIT 1", (built.lead,)
    ).fetchone()
    assert row is not None
    body = conn.execute("SELECT body FROM payloads WHERE sha256 = %s", (row["payload_sha256"],)).fetchone()
    assert body is not None
    for words in (
        row["payload_sha256"],
        row["text_sha256"],
        row["fetch_url"],
        row["source_id"],
        row["native_id"],
        row["article_run_id"],
        row["claim_run_id"],
        row["fetch_run_id"],
        "2026-05-20|ai-geopolitics",
        "run-signal-2026-05-20",
        "20 May 2026, 07:00 UTC",
    ):
        assert words in html
    assert html.count("<mark>") == 3 and "<mark>The first halls open in 2027</mark>" in html
    web = page(site, f"stories/{built.lead}/citations/w2/")
    assert "trafilatura 2" in web and "<h2>Claim</h2>" not in web
    assert 'href="https://forum-certificates.example/what-it-covers?lang=en&amp;part=2" rel="nofollow noopener"' in web


def test_older_versions_keep_their_own_citations(conn: Connection, built: Built) -> None:
    site = site_of(conn)
    old = page(site, f"stories/{built.lead}/v/1/")
    assert "This is version 1 of 2" in old and "goes on to" in old
    assert f'href="../../../../stories/{built.lead}/v/1/citations/1/"' in old
    assert f"stories/{built.lead}/v/1/citations/w2/index.html" not in site
    assert "This is version" not in page(site, f"stories/{built.lead}/v/2/")
    assert built.lead in page(site, "corrections/") and "None yet" in page(site, "corrections/")


def test_home_leads_with_most_evidence_and_says_what_was_withheld(conn: Connection, built: Built) -> None:
    html = page(site_of(conn), "")
    assert html.index(built.lead) < html.index(built.beside) < html.index(built.earlier)
    assert "1 topic withheld: AI &amp; Law (nothing new)" in html
    assert "1 topic withheld: AI &amp; Law (not enough evidence)" in html


def test_topic_page_has_a_chart_with_a_table_and_says_how_it_knows(conn: Connection, built: Built) -> None:
    site = site_of(conn)
    html = page(site, "topics/ai-geopolitics/")
    assert (
        html.count('<rect class="bar"') == 12
        and html.count('<rect class="spike"') == 1
        and html.count('<rect class="unknown"') == 1
    )
    assert html.count("<tr>") == 15 and 'class="baseline"' in html and "▲ strong" in html
    quiet = page(site, "topics/ai-law/")
    assert (
        "Nothing new, and how we know" in quiet
        and "no measured change against 9 days" in quiet
        and "read 9 records" in quiet
    )


def test_withheld_later_leaves_the_published_story_on_the_home_page(conn: Connection, built: Built) -> None:
    built.newsroom.withhold("ai-geopolitics", DAY, "quotes", "not verbatim", "some withheld words of a draft")
    html = page(site_of(conn), "")
    assert built.lead in html and "AI &amp; Geopolitics (" not in html
    assert not [path for path, data in site_of(conn).items() if b"withheld words" in data]


def test_notice_stands_on_every_page(conn: Connection, built: Built) -> None:
    site = site_of(conn, PUBLICATION.model_copy(update={"notice": "Sample <data>"}))
    assert all(b"Sample &lt;data&gt;" in data for path, data in site.items() if path.endswith(".html"))


def test_feeds_parse_and_carry_the_label(conn: Connection, built: Built) -> None:
    site = site_of(conn)
    atom = feedparser.parse(site["feed.xml"])
    assert not atom.bozo and atom.version == "atom10"
    assert [entry.link.rstrip("/").rsplit("/", 1)[1] for entry in atom.entries] == [
        built.lead,
        built.beside,
        built.earlier,
    ]
    assert all(PUBLICATION.ai_label in entry.summary and entry.rights == PUBLICATION.ai_label for entry in atom.entries)
    assert atom.entries[0].published != atom.entries[0].updated == "2026-05-20T21:30:00Z"
    assert "citations/w1/" in atom.entries[0].content[0].value
    feed = json.loads(site["feed.json"])
    assert feed["version"].endswith("1.1") and len(feed["items"]) == 3 and feed["items"][0]["_ai"]["generated"] is True
    places = [
        e.text or ""
        for e in Xml.fromstring(site["sitemap.xml"]).iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")
    ]
    base = str(PUBLICATION.base_url)
    assert all((place.removeprefix(base) + "index.html") in site for place in places)


def test_story_json_matches_the_rows(conn: Connection, built: Built) -> None:
    data = json.loads(site_of(conn)[f"stories/{built.lead}/index.json"])
    assert (data["records_cited"], data["pages_cited"], data["version"], data["ai_generated"]) == (7, 2, 2, True)
    assert [c["marker"] for c in data["citations"]] == ["1", "2", "3", "4", "5", "6", "7", "w1", "w2"]
    assert all(s["citations"] or s["rests_on"] or s["rests_on_stories"] for s in data["sentences"])


EVIL = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\u202eevil\u2066 &amp; "q" \x0b'


def hostile(conn: Connection) -> None:
    """A story in which every text that can come from outside is hostile."""
    room, day = Newsroom(conn), date(2026, 5, 21)
    room.topic("bad", f"Bad {EVIL}", EVIL, 9)
    room.add(Item("bad", "news", f"Wire {EVIL}", day, f"He said {EVIL} now.", EVIL, "javascript:alert(3)"), "bad")
    room.add(Item("blue", "bluesky", f"me {EVIL}", day, f"Look {EVIL} here", url='https://x.example/"><script>'), "bad")
    room.add(
        Item("page", "web", f"Site {EVIL}", day, EVIL, EVIL, 'https://e.example/"><script>alert(4)</script>'), "bad"
    )
    room.publish(
        "bad",
        day,
        [
            Say("headline", 0, f"Head {EVIL}", rests=(4,)),
            Say("short_title", 0, f"Short {EVIL}", rests=(4,)),
            Say("dek", 0, f"Dek {EVIL}", rests=(4,)),
            Say(
                "body", 1, f"“{EVIL}” [[bad]] and [[blue]], [[page]].", (("bad", EVIL), ("blue", EVIL), ("page", EVIL))
            ),
            Say("question", 1, f"Why {EVIL}?", rests=(4,)),
            Say("answer", 1, f"Since {EVIL}.", rests=(4,)),
        ],
    )
    room.withhold("bad", date(2026, 5, 22), "evidence", EVIL, EVIL)


def test_hostile_texts_stay_text_everywhere(conn: Connection, built: Built) -> None:
    hostile(conn)
    site = site_of(conn)
    check_site(site)
    for path, data in site.items():
        text = data.decode()
        if path.endswith((".html", ".xml")):
            assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", text), path
        if path.endswith(".html"):
            shape = Shape(text)
            assert "img" not in shape.tags and shape.tags.count("script") <= 1, path
            assert not [link for link in shape.links if not re.match(r"(https?://|[\w./#-]*$)", link["href"] or "")], (
                path
            )
    assert not feedparser.parse(site["feed.xml"]).bozo
    assert "&lt;script" in site["feed.xml"].decode()


def test_json_ld_of_a_hostile_headline_is_one_object(conn: Connection, built: Built) -> None:
    hostile(conn)
    path = next(
        p for p in site_of(conn) if p.startswith("stories/2026-05-21") and p.count("/") == 2 and p.endswith(".html")
    )
    blocks = re.findall(r'<script type="application/ld\+json">(.*?)</script>', site_of(conn)[path].decode(), re.S)
    data = json.loads(blocks[0])
    assert len(blocks) == 1 and data["@type"] == "NewsArticle" and data["headline"].startswith("Head </script>")
    assert data["isBasedOn"] == [] and data["digitalSourceType"] == "https://schema.org/AlgorithmicMediaDigitalSource"


def test_a_page_shows_at_most_200_characters_beside_a_quote(conn: Connection, built: Built) -> None:
    room, day = built.newsroom, date(2026, 5, 21)
    long = "a" * 500 + " THE QUOTE " + "z" * 500
    room.add(Item("long", "news", "Long Wire", day, long), "ai-law")
    slug = room.publish(
        "ai-law",
        day,
        [
            Say("headline", 0, "Long", rests=(4,)),
            Say("short_title", 0, "Long", rests=(4,)),
            Say("dek", 0, "Long.", rests=(4,)),
            Say("body", 1, "“THE QUOTE” [[long]].", (("long", "THE QUOTE"),)),
        ],
    )
    site = site_of(conn)
    html = page(site, f"stories/{slug}/citations/1/")
    assert "… " + "a" * 199 + " <mark>THE QUOTE</mark> " + "z" * 199 + " …" in html
    assert not [path for path, data in site.items() if b"a" * 201 in data or b"z" * 201 in data]
