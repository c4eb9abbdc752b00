"""OPML lists in and out: the round trip loses nothing it can carry, every fault is named, nothing is half read."""

from __future__ import annotations

import json
import xml.etree.ElementTree as Xml
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from aidran_pipeline.cli import app
from aidran_pipeline.config.opml import LARGEST, Entry, read_opml, write_opml
from aidran_pipeline.config.publication import ConfigError
from aidran_pipeline.config.sources import BlueskySearchSource, RedditSource, RssSource, Source, load_sources
from aidran_pipeline.config.sources_text import add_to_file, new_file

TOPICS = {"ai-privacy": "AI & Privacy", "ai-law": "AI & Law", "ai-military": "AI & Military"}


def opml(body: str, *, version: str = "2.0", head: str = "<head><title>t</title></head>", before: str = "") -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>{before}<opml version="{version}">{head}<body>{body}</body></opml>'.encode()


def read(data: bytes, **more: Any) -> list[dict[str, object]]:
    return [entry.entry for entry in read_opml(data, file="list.opml", topics=TOPICS, **more)[0]]


def refused(data: bytes, **more: Any) -> str:
    with pytest.raises(ConfigError) as failure:
        read(data, **more)
    return str(failure.value)


def feed(url: str = "https://a.test/feed", text: str = "A", **more: str) -> str:
    rest = "".join(f' {name}="{value}"' for name, value in more.items())
    return f'<outline text="{text}" type="rss" xmlUrl="{url}"{rest}/>'


# --- out and in again -------------------------------------------------------------------------------------------------

slugs = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True)
names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=60)
paths = st.text(st.sampled_from("abcXYZ019/-_.~%&=+;,:@!$'()*?é漢"), max_size=40)
common = {
    "publisher": st.none() | names, "publisher_family": st.none() | slugs,
    "topics": st.lists(slugs, max_size=4, unique=True).map(tuple), "enabled": st.booleans(),
}  # fmt: skip
feeds = st.builds(
    RssSource, id=slugs, kind=st.just("rss"), **common,
    url=st.builds("https://{}.test:{}/{}".format, slugs, st.integers(1, 65535), paths),
)  # fmt: skip
reddits = st.builds(
    RedditSource, id=slugs, kind=st.just("reddit"), subreddit=st.from_regex(r"[A-Za-z0-9_]{2,21}", fullmatch=True),
    **common,
)  # fmt: skip


def address(source: Source) -> str:
    """What may stand in a list once: an address without its last slash, a subreddit without case."""
    return source.url.rstrip("/") if isinstance(source, RssSource) else str(getattr(source, "subreddit", "")).lower()


@settings(max_examples=150, deadline=None)
@given(chosen=st.lists(feeds | reddits, min_size=1, max_size=8, unique_by=(lambda s: s.id, address)))
def test_what_is_written_is_read_back_the_same(chosen: list[Source], tmp_path_factory: pytest.TempPathFactory) -> None:
    data, left_out = write_opml(chosen, title="<&\"'> list")
    assert left_out == []
    entries, already = read_opml(data, file="x", topics=TOPICS)
    assert already == []
    path = tmp_path_factory.mktemp("opml") / "sources.yaml"
    new_file(path, entries)
    assert load_sources(path) == chosen


def test_the_packaged_sources_survive_and_say_what_is_left_out(tmp_path: Path) -> None:
    packaged = load_sources()
    data, left_out = write_opml(packaged, title="t")
    carried = [source for source in packaged if source not in left_out]
    assert {source.kind for source in left_out} <= {"bluesky_search", "bluesky_jetstream"} and len(carried) > 100
    new_file(tmp_path / "s.yaml", read_opml(data, file="x", topics={})[0])
    assert load_sources(tmp_path / "s.yaml") == carried


def test_the_document_is_opml_2(tmp_path: Path) -> None:
    plain = RssSource(id="a", kind="rss", url="https://a.test/?a=1&b=2", publisher='A "B" <C>', topics=("ai-law",))
    root = Xml.fromstring(write_opml([plain], title="t")[0])
    assert (root.tag, root.attrib, [child.tag for child in root]) == ("opml", {"version": "2.0"}, ["head", "body"])
    (outline,) = root.iter("outline")
    assert {name: outline.get(name) for name in ("text", "type", "xmlUrl", "category")} == {
        "text": 'A "B" <C>', "type": "rss", "xmlUrl": "https://a.test/?a=1&b=2", "category": "ai-law",
    }  # fmt: skip
    assert all(
        name.startswith("{https://") for name in set(outline.keys()) - {"text", "title", "type", "xmlUrl", "category"}
    )


def test_a_mirror_of_reddit_and_a_search_are_left_out() -> None:
    mirror = RedditSource(id="r", kind="reddit", subreddit="LocalLLaMA", host="http://127.0.0.1:1")
    search = BlueskySearchSource(id="b", kind="bluesky_search", query="AI")
    plain = RssSource(id="a", kind="rss", url="https://a.test/")
    assert write_opml([mirror, search, plain], title="t")[1] == [mirror, search]


# --- lists of other readers -------------------------------------------------------------------------------------------


def test_folders_become_topics_where_they_are_topics_and_comments_otherwise(tmp_path: Path) -> None:
    body = f"""<outline text="Reading"><outline text="AI &amp; Law">{feed("https://a.test/1", "One")}</outline>
      <outline text="Labs" title="Labs">{feed("https://a.test/2", "Two", category="/x/ai-privacy,ai-military,other")}
      </outline></outline>{feed("https://a.test/3", "Three")}"""
    entries, _ = read_opml(opml(body), file="x", topics=TOPICS)
    assert [(entry.entry.get("topics"), entry.folders) for entry in entries] == [
        (["ai-law"], ("Reading",)), (["ai-privacy", "ai-military"], ("Reading", "Labs")), (None, ()),
    ]  # fmt: skip
    new_file(tmp_path / "s.yaml", entries)
    text = (tmp_path / "s.yaml").read_text()
    assert [line.strip() for line in text.splitlines() if line.startswith("  #")] == [
        "# Reading", "# Reading / Labs", "# Without a folder",
    ]  # fmt: skip
    assert [source.id for source in load_sources(tmp_path / "s.yaml")] == ["one", "two", "three"]


def test_lists_as_other_readers_write_them() -> None:
    untyped = '<outline title="Old reader" xmlUrl="http://a.test/rss" htmlUrl="http://a.test/"/>'
    assert read(opml(untyped, version="1.1")) == [
        {"id": "old-reader", "kind": "rss", "url": "http://a.test/rss", "publisher": "Old reader"}
    ]
    assert read(opml(feed(type="x").replace('type="x"', "").replace('"rss"', '"RSS"')))[0]["url"]
    assert read(opml(feed("https://www.reddit.com/r/LocalLLaMA/.rss", "newest of LocalLLaMA"))) == [
        {"id": "newest-of-localllama", "kind": "reddit", "subreddit": "LocalLLaMA"}
    ]
    commented = f'<outline text="off" isComment="true">{feed("ftp://x/")}</outline>{feed()}'
    assert len(read(opml(commented))) == 1
    spaced = '<opml xmlns="http://opml.org/spec2" version="2.0"><head/><body>' + feed() + "</body></opml>"
    assert len(read(spaced.encode())) == 1
    latin = opml(feed(text="Café")).decode().replace("UTF-8", "ISO-8859-1").encode("latin-1")
    assert read(latin)[0]["publisher"] == "Café"
    assert read(opml(feed(text="Zeitung")).decode().replace("UTF-8", "UTF-16").encode("utf-16"))[0]["id"] == "zeitung"


def test_ids_are_made_of_names_and_free() -> None:
    body = (
        feed("https://a.test/1", "The Times") + feed("https://b.test/2", "The Times") + feed("https://c.test/3", "時報")
    )
    found = read(opml(body), taken=["the-times"])
    assert [entry["id"] for entry in found] == ["the-times-2", "the-times-3", "c-test"]


def test_a_feed_that_is_read_already_is_no_fault(tmp_path: Path) -> None:
    body = feed("https://a.test/feed/", "A") + feed("https://b.test/", "B")
    entries, already = read_opml(opml(body), file="x", topics={}, known=["http://www.a.test/feed"])
    assert [entry.entry["id"] for entry in entries] == ["b"] and [entry.line for entry in already] == [1]


# --- faults -----------------------------------------------------------------------------------------------------------

BOMB = '<!DOCTYPE opml [<!ENTITY a "ha">]>'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (opml(feed(), before=BOMB), "line 1: the file declares a document type, which is refused; remove <!DOCTYPE"),
        (opml(feed(), before='<!DOCTYPE opml SYSTEM "http://x/">'), "document type"),
        (opml(feed(), before=BOMB).decode().replace("UTF-8", "UTF-16").encode("utf-16"), "document type"),
        (opml(feed(text="&a;")), "line 1: not well-formed XML: undefined entity"),
        (opml("<outline>"), "line 1: not well-formed XML: mismatched tag"),
        (b"", "not well-formed XML: no element found"),
        (b"<html><body/></html>", "the root element is <html>, not <opml>; name an OPML file"),
        (opml(feed(), version="3.0"), "version '3.0' is not known; one of 1.0, 1.1, 2.0 is read"),
        (opml(feed(), head=""), "0 <head> elements; OPML has exactly one <head> and one <body>"),
        (opml("</body><body>"), "2 <body> elements"),
        (opml(""), "line 1: the list holds no feed"),
        (opml(feed("ftp://a.test/")), "'A': xmlUrl 'ftp://a.test/': an http:// or https:// address is needed; correct"),
        (opml(feed("javascript:alert(1)")), "an http:// or https:// address is needed"),
        (opml(feed("https://me:secret@a.test/")), "a user name or password is refused"),
        (opml(feed("https://a.test/a b")), "an http:// or https:// address is needed"),
        (opml('<outline text="L" type="link" url="https://a.test/"/>'), "'L': type 'link' is no feed; remove the outline"),
        (opml('<outline text="I" type="include" url="https://a.test/l.opml"/>'), "type 'include' is no feed"),
        (opml('<outline text="N" type="rss"/>'), "'N': a feed needs an xmlUrl"),
        (opml('<outline text="Note"/>'), "'Note': a feed needs an xmlUrl"),
        (opml('<outline xmlUrl="https://a.test/"/>'), "an outline without text; every outline needs the attribute text"),
        (opml("<outline text='d'>" * 25 + "</outline>" * 25), "outlines nested more than 20 deep"),
        (b'<?xml version="1.0" encoding="klingon"?><opml/>', "unknown encoding"),
    ],
)  # fmt: skip
def test_faults_are_named_with_line_rule_and_remedy(data: bytes, said: str) -> None:
    told = refused(data)
    assert told.startswith("list.opml") and said in told


def test_every_fault_of_a_file_is_told_with_its_line() -> None:
    lines = [feed("https://a.test/1"), feed("nonsense", "B"), feed("https://a.test/1/", "C"), feed("https://a.test/2")]
    told = refused(opml("\n".join(["", *lines, '<outline text="D" type="link" url="https://a.test/"/>']))).splitlines()
    assert [line.split(":")[0] for line in told] == [f"list.opml, line {n}" for n in (3, 4, 6)]
    assert "'C': the address https://a.test/1/ stands in line 2 already; remove one of the two" in told[1]
    many = refused(opml("\n".join(feed(f"x{n}") for n in range(50)))).splitlines()
    assert len(many) == 21 and many[-1] == "and 30 more"


def test_an_id_that_is_taken_is_a_fault() -> None:
    data, _ = write_opml([RssSource(id="a", kind="rss", url="https://a.test/")], title="t")
    assert "the id a is that of another source; change its aidran:id" in refused(data, taken=["a"])


@pytest.mark.parametrize("attribute", ['enabled="perhaps"', 'publisher_family="No Slug"'])
def test_what_a_sources_file_would_refuse_is_refused_with_its_line(attribute: str) -> None:
    data, _ = write_opml([RssSource(id="a", kind="rss", url="https://a.test/")], title="t")
    told = refused(data.replace(b"aidran:id", f"aidran:{attribute} aidran:id".encode()))
    assert "line 7: 'a': " in told and attribute.split("=")[0] in told


def test_a_file_without_end_is_not_parsed() -> None:
    assert f"at most {LARGEST} are read" in refused(b"<opml>" + b" " * LARGEST)


def test_recorded_hostile_files_are_refused(shared_data: Path) -> None:
    files = sorted((shared_data / "data" / "hostile" / "xml").glob("*.x*"))
    assert len(files) >= 10
    for file in files:
        assert refused(file.read_bytes())


# --- files ------------------------------------------------------------------------------------------------------------

STANDING = """# My own
sources:
    # Press
    - {id: old, kind: rss, url: "https://old.test/"}  # dear to me
"""


def entry(name: str) -> Entry:
    return Entry(1, {"id": name, "kind": "rss", "url": f"https://{name}.test/"})


def test_adding_leaves_what_stands_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(STANDING.rstrip("\n"))
    path.chmod(0o640)
    add_to_file(path, [entry("new")])
    assert path.read_text() == STANDING + "    - {id: new, kind: rss, url: 'https://new.test/'}\n"
    assert path.stat().st_mode & 0o777 == 0o640 and [each.name for each in tmp_path.iterdir()] == ["s.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        'sources: [{id: old, kind: rss, url: "https://old.test/"}]\n',
        'sources:\n- id: old\n  kind: rss\n  url: "https://old.test/"\n---\n',
    ],
)
def test_a_file_that_cannot_be_continued_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"name a new file with --to|not valid YAML"):
        add_to_file(path, [entry("new")])
    assert path.read_text() == text and [each.name for each in tmp_path.iterdir()] == ["s.yaml"]


def test_a_new_file_replaces_none(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("mine")
    with pytest.raises(ConfigError, match="the file exists"):
        new_file(tmp_path / "s.yaml", [entry("new")])
    with pytest.raises(ConfigError, match="does not exist"):
        new_file(tmp_path / "nowhere" / "s.yaml", [entry("new")])


def run(*options: str, **environment: str) -> Any:
    return CliRunner().invoke(app, ["sources", *options], env=environment)


def test_the_commands_export_and_import(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(STANDING)
    listed, own = str(tmp_path / "l.opml"), str(tmp_path / "s.yaml")
    done = run("export", listed, AIDRAN_SOURCES=own)
    assert (done.exit_code, done.output) == (0, f"1 feeds written to {listed}\n")
    done = run("import", listed, "--to", str(tmp_path / "new.yaml"), AIDRAN_SOURCES="")
    assert done.exit_code == 0 and load_sources(tmp_path / "new.yaml") == load_sources(tmp_path / "s.yaml")
    Path(listed).write_bytes(opml(feed("https://old.test") + feed("https://b.test/", "B")))
    done = run("import", listed, "--json", AIDRAN_SOURCES=own)
    assert json.loads(done.output) == {
        "file": own, "already": 1,
        "added": [{"id": "b", "kind": "rss", "url": "https://b.test/", "publisher": "B"}],
    }  # fmt: skip
    assert [source.id for source in load_sources(tmp_path / "s.yaml")] == ["old", "b"]
    again = run("import", listed, AIDRAN_SOURCES=own)
    assert again.output.startswith("0 feeds added") and len(load_sources(tmp_path / "s.yaml")) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["import"], "sources import needs a file: aidran sources import FILE.opml"),
        (["export"], "sources export needs a file"),
        (["import", "nowhere.opml", "--to", "new.yaml"], "nowhere.opml cannot be read: No such file"),
        (["import", "nowhere.opml"], "import needs a sources file: name a new one with --to"),
        (["export", "nowhere/list.opml"], "cannot be written"),
    ],
)
def test_wrong_calls_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*options)
    assert done.exit_code == 2 and said in done.output


def test_all_faults_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "l.opml").write_bytes(opml("\n".join(feed(f"x{n}") for n in range(7))))
    done = run("import", str(tmp_path / "l.opml"), "--to", str(tmp_path / "new.yaml"))
    assert done.exit_code == 2 and done.output.count(", line ") == 7 and not (tmp_path / "new.yaml").exists()
