"""The sample days as data: who said what when, what was changed or removed later, and the pages they link to. Pure.

A day's file in data/ is named by its date and holds, a block each:

    = news OUTLET HH:MM [id=…] [page=SLUG] [link=SLUG,…] [lang=de] [by=First_Last]     title, then paragraphs
    = post HANDLE HH:MM [id=…] [link=SLUG,…] [lang=de] [likes=N]                       text; {SLUG} is an inline link
    = thread COMMUNITY USER HH:MM [id=…] [link=SLUG] [score=N] [comments=N]            title, then paragraphs
    = copy WHO HH:MM of=ID            the same text by another outlet or account
    = flood STEM HH:MM count=N of=ID  the same text by N accounts, a minute apart
    = edit ID at=YYYY-MM-DDTHH:MM     the whole new text
    = remove ID at=YYYY-MM-DDTHH:MM

pages.txt holds `= page SLUG OUTLET YYYY-MM-DDTHH:MM [by=…]` with title, then paragraphs; `## ` opens a subheading, and
the paragraph before the first blank line after the title is the standfirst.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from aidran_pipeline.config.sources import Source, load_sources
from aidran_pipeline.sample.blocks import Block, SampleError, read_blocks

DATA = Path(__file__).with_name("data")
SOURCES = Path(__file__).with_name("sources.yaml")
REDDIT, BLUESKY = "reddit.example", "bluesky.example"
FETCHED_AT = time(23, 30)  # of each day: when the demo ingests it

_ITEM = frozenset({"id", "link", "lang"})
_KINDS = {
    "news": (2, _ITEM | {"page", "by"}),
    "post": (2, _ITEM | {"likes"}),
    "thread": (3, _ITEM | {"score", "comments"}),
    "copy": (2, frozenset({"of", "id"})),
    "flood": (2, frozenset({"of", "count"})),
    "edit": (1, frozenset({"at"})),
    "remove": (1, frozenset({"at"})),
}
_PAGE = {"page": (3, frozenset({"by"}))}
_PLATFORMS = {"news": "news", "post": "bluesky", "thread": "reddit"}


@dataclass(frozen=True)
class Wording:
    """How an item reads from a moment on. title is empty for a post."""

    since: datetime
    title: str
    body: str


@dataclass(frozen=True)
class Item:
    """One report, post or thread. who: outlet, handle or user; where: the community of a thread, else empty.

    wordings: the first at publication, later ones are edits. links: slugs of pages. page: slug of the item's own page.
    figures: score, comments or likes as the texts give them.
    """

    key: str
    platform: str
    who: str
    where: str
    published: datetime
    wordings: tuple[Wording, ...]
    language: str = "en"
    byline: str | None = None
    page: str | None = None
    links: tuple[str, ...] = ()
    figures: dict[str, int] = field(default_factory=dict)
    removed: datetime | None = None
    copy_of: str | None = None

    def visible(self, now: datetime) -> bool:
        """Whether its platform shows it at a moment."""
        return self.published <= now and (self.removed is None or now < self.removed)

    def at(self, now: datetime) -> Wording:
        """The wording in force at a moment after publication."""
        return [wording for wording in self.wordings if wording.since <= now][-1]

    @property
    def mark(self) -> str:
        """Sixteen hexadecimal digits that name the item on its platform; the same for ever."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:16]

    @property
    def slug(self) -> str:
        """Of the item's own page: given, or made of its first title."""
        words = re.sub(r"[^a-z0-9]+", "-", self.wordings[0].title.lower()).strip("-")
        return self.page or words[:60].strip("-")


@dataclass(frozen=True)
class Page:
    """A linked page. paragraphs: text, or a subheading when it begins with `## `."""

    slug: str
    outlet: str
    published: datetime
    byline: str | None
    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """All of it. outlets: slug of the host to the publisher's name."""

    days: tuple[date, ...]
    items: tuple[Item, ...]
    pages: dict[str, Page]
    sources: tuple[Source, ...]
    outlets: dict[str, str]

    def hosts(self) -> list[str]:
        """Every host of the sample; the server answers for all of them."""
        return sorted({f"{outlet}.example" for outlet in self.outlets} | {REDDIT, BLUESKY})

    def of(self, platform: str) -> list[Item]:
        """Items of a platform, oldest first."""
        return [item for item in self.items if item.platform == platform]

    def page_url(self, slug: str) -> str:
        """Address of a linked page."""
        page = self.pages[slug]
        return address(page.outlet, page.published, slug)

    def item_url(self, item: Item) -> str:
        """Address of a report's own page."""
        return self.page_url(item.page) if item.page else address(item.who, item.published, item.slug)


def address(outlet: str, published: datetime, slug: str) -> str:
    """Where an outlet keeps a page."""
    return f"http://{outlet}.example/{published:%Y/%m/%d}/{slug}"


def moment_of(day: date) -> datetime:
    """When the demo reads a day's sources."""
    return datetime.combine(day, FETCHED_AT, UTC)


@lru_cache(maxsize=1)
def load_sample() -> Sample:
    """Read and check everything. Raises SampleError naming file, line and rule."""
    sources = tuple(load_sources(SOURCES))
    outlets = {
        (urlsplit(source.url).hostname or "").removesuffix(".example"): source.publisher or source.id
        for source in sources
        if source.kind == "rss"
    }
    files = sorted(DATA.glob("2*.txt"))
    items: dict[str, Item] = {}
    for path in files:
        for block in read_blocks(path, _KINDS):
            for item in _items(block, date.fromisoformat(path.stem), items):
                if item.key in items and block.kind not in ("edit", "remove"):
                    raise SampleError(f"{block.where}: {item.key} stands there twice")
                items[item.key] = item
    ordered = tuple(sorted(items.values(), key=lambda item: (item.published, item.platform, item.key)))
    pages = {page.slug: page for page in map(_page, read_blocks(DATA / "pages.txt", _PAGE))}
    sample = Sample(tuple(date.fromisoformat(path.stem) for path in files), ordered, pages, sources, outlets)
    _check(sample)
    return sample


def _items(block: Block, day: date, known: dict[str, Item]) -> list[Item]:
    """What a block adds, or the items it changes."""
    if block.kind in _PLATFORMS:
        return [_item(block, day)]
    if block.kind == "edit":
        item, since = _named(block, block.words[0], known), _moment(block)
        title, body = block.titled() if item.platform != "bluesky" else ("", block.text)
        return [replace(item, wordings=(*item.wordings, Wording(since, title, body)))]
    if block.kind == "remove":
        return [replace(_named(block, block.words[0], known), removed=_moment(block))]
    original = _named(block, block.option("of") or "", known)
    start = _clock(block, day, block.words[1])
    if block.kind == "copy":
        return [_copy(original, block.words[0], start, block.options.get("id"))]
    count = block.number("count") or 0
    return [_copy(original, f"{block.words[0]}-{n}", start + timedelta(minutes=n), None) for n in range(1, count + 1)]


def _item(block: Block, day: date) -> Item:
    published = _clock(block, day, block.words[-1])
    platform = _PLATFORMS[block.kind]
    title, body = ("", block.text) if platform == "bluesky" else block.titled()
    if not body and platform != "reddit":
        raise SampleError(f"{block.where}: a text is needed")
    figures = {name: block.number(name) for name in ("score", "comments", "likes")}
    who = block.words[1] if platform == "reddit" else block.words[0]
    return Item(
        key=block.options.get("id") or f"{day} {' '.join(block.words)}",
        platform=platform,
        who=who,
        where=block.words[0] if platform == "reddit" else "",
        published=published,
        wordings=(Wording(published, title, body),),
        language=block.options.get("lang", "en"),
        byline=block.option("by"),
        page=block.options.get("page"),
        links=tuple(filter(None, block.options.get("link", "").split(","))),
        figures={name: number for name, number in figures.items() if number is not None},
    )


def _copy(original: Item, who: str, published: datetime, key: str | None) -> Item:
    first = original.wordings[0]
    return replace(
        original,
        key=key or f"{original.key} by {who}",
        who=who,
        published=published,
        wordings=(replace(first, since=published),),
        byline=None,
        page=None,
        figures={},
        removed=None,
        copy_of=original.key,
    )


def _page(block: Block) -> Page:
    title, body = block.titled()
    slug, outlet, moment = block.words
    published = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    paragraphs = tuple(part.strip() for part in re.split(r"\n\s*\n", body) if part.strip())
    return Page(slug, outlet, published, block.option("by"), title, paragraphs)


def _named(block: Block, key: str, known: dict[str, Item]) -> Item:
    if key not in known:
        raise SampleError(f"{block.where}: {block.kind} of {key!r}, which no earlier block has as its id")
    return known[key]


def _moment(block: Block) -> datetime:
    try:
        return datetime.fromisoformat(block.options.get("at", "")).replace(tzinfo=UTC)
    except ValueError:
        raise SampleError(f"{block.where}: {block.kind} needs at=YYYY-MM-DDTHH:MM") from None


def _clock(block: Block, day: date, text: str) -> datetime:
    try:
        return datetime.combine(day, time.fromisoformat(text), UTC)
    except ValueError:
        raise SampleError(f"{block.where}: {text!r} is not a time of day such as 07:45") from None


def _check(sample: Sample) -> None:
    """Every name that one text uses of another exists, and each address is one page's."""
    urls: dict[str, str] = {}
    communities = {source.subreddit for source in sample.sources if source.kind == "reddit"}
    for item in sample.items:
        missing = [slug for slug in (*item.links, item.page) if slug and slug not in sample.pages]
        if missing:
            raise SampleError(f"{item.key}: no page {missing[0]} in pages.txt")
        if item.platform == "reddit" and item.where not in communities:
            raise SampleError(f"{item.key}: no source reads the community {item.where}")
        if item.platform != "news":
            continue
        if item.who not in sample.outlets:
            raise SampleError(f"{item.key}: no source is the outlet {item.who}")
        url = sample.item_url(item)
        if url in urls:
            raise SampleError(f"{item.key} and {urls[url]} would share the address {url}")
        urls[url] = item.key
    strange = sorted(page.outlet for page in sample.pages.values() if page.outlet not in sample.outlets)
    if strange:
        raise SampleError(f"pages.txt: no source is the outlet {strange[0]}")
