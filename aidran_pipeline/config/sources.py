"""The sources file: which feeds, subreddits and searches are read.

What does not belong here: the table of sources with their health (store.sources), fetching (ingest).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from aidran_pipeline.config.publication import ConfigError

ID = re.compile(r"[a-z0-9]+([-_]+[a-z0-9]+)*")
PACKAGED = Path(__file__).with_name("sources.yaml")


def _slug(value: str) -> str:
    if not ID.fullmatch(value) or len(value) > 80:
        raise ValueError(
            "an id is lower-case letters and digits joined by hyphens or underscores, at most 80 characters"
        )
    return value


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  reading it checks it
    except ValueError as error:
        raise ValueError(f"not an address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", value):
        raise ValueError("an http:// or https:// address is needed")
    if parts.username is not None:
        raise ValueError("an address with a user name or password is refused; credentials come from the environment")
    return value


def _stream_address(value: str) -> str:
    if not value.startswith(("wss://", "ws://")):
        raise ValueError("a ws:// or wss:// address is needed")
    return value


Slug = Annotated[str, AfterValidator(_slug)]
WebAddress = Annotated[str, AfterValidator(_web_address)]


class _Base(BaseModel):
    """What every source has. publisher_family: outlets of one owner share it and count once."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    _platform: ClassVar[str] = "news"
    _address: ClassVar[tuple[str, ...]] = ()

    id: Slug
    publisher: str | None = Field(default=None, min_length=1, max_length=120)
    publisher_family: Slug | None = None
    topics: tuple[Slug, ...] = ()
    enabled: bool = True

    @property
    def platform(self) -> str:
        """bluesky, reddit or news."""
        return self._platform

    def address(self) -> dict[str, Any]:
        """What says where and how to read the source: the column sources.config."""
        shown = {name: getattr(self, name) for name in self._address}
        if self.topics:
            shown["topics"] = list(self.topics)
        # What stands at its default is left out: a setting that a release adds changes no source's configuration.
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        return {name: value for name, value in shown.items() if value is not None and value != defaults.get(name)}


class RssSource(_Base):
    """An RSS or Atom feed.

    full_text: whether the text of an item that is about AI is read from its own page: auto, when the feed has only a
    teaser of it; always; never.
    """

    _address: ClassVar[tuple[str, ...]] = ("url", "full_text")
    kind: Literal["rss"]
    url: WebAddress
    full_text: Literal["auto", "never", "always"] = "never"


class RedditSource(_Base):
    """A subreddit. host replaces both www.reddit.com and oauth.reddit.com.

    include_nsfw, include_quarantined: keep posts so marked. top_threads: of how many of the day's threads the comments
    are read, those that rank highest by score or by comments (threads_by), with about thread_comments of each; they
    need the credentials.
    """

    _platform: ClassVar[str] = "reddit"
    _address: ClassVar[tuple[str, ...]] = (
        "subreddit", "host", "include_nsfw", "include_quarantined", "top_threads", "thread_comments", "threads_by",
    )  # fmt: skip
    kind: Literal["reddit"]
    subreddit: str = Field(pattern=r"^[A-Za-z0-9_]{2,21}$")
    host: WebAddress | None = None
    include_nsfw: bool = False
    include_quarantined: bool = False
    top_threads: int = Field(default=3, ge=0, le=25)
    thread_comments: int = Field(default=200, ge=1, le=1000)
    threads_by: Literal["score", "comments"] = "score"


class BlueskySearchSource(_Base):
    """A Bluesky search. host: the server signed in to, https://bsky.social by default."""

    _platform: ClassVar[str] = "bluesky"
    _address: ClassVar[tuple[str, ...]] = ("query", "host")
    kind: Literal["bluesky_search"]
    query: str = Field(min_length=1, max_length=300)
    host: WebAddress | None = None


class BlueskyJetstreamSource(_Base):
    """A Bluesky stream (Jetstream): each run drains it from where the last one ended, and keeps what is on topic.

    labels: the server that is asked, of each post kept, for the labels of post and author: whom a stream does not tell.
    """

    _platform: ClassVar[str] = "bluesky"
    _address: ClassVar[tuple[str, ...]] = ("url", "labels")
    kind: Literal["bluesky_jetstream"]
    url: Annotated[str, AfterValidator(_stream_address)]
    labels: WebAddress = "https://public.api.bsky.app"


Source = RssSource | RedditSource | BlueskySearchSource | BlueskyJetstreamSource
_ONE: TypeAdapter[Source] = TypeAdapter(Annotated[Source, Field(discriminator="kind")])


def load_sources(path: Path | None = None) -> list[Source]:
    """Read the sources file, the packaged one by default, in its order.

    Raises ConfigError naming the file, the source's id, the key, the rule and the remedy.
    """
    path = path or PACKAGED
    entries = _entries(path)
    sources, ids = [], set()
    for number, entry in enumerate(entries, start=1):
        given = entry.get("id") if isinstance(entry, dict) else None
        name = given if isinstance(given, str) else f"entry {number}"
        try:
            source = _ONE.validate_python(entry)
        except ValidationError as error:
            raise ConfigError(_complaint(path, name, entry, error)) from error
        if source.id in ids:
            raise ConfigError(f"{path}: source {source.id}: id: it is used twice; rename or remove one of them")
        ids.add(source.id)
        sources.append(source)
    return sources


def _entries(path: Path) -> list[Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: no such sources file; AIDRAN_SOURCES must name an existing file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    entries = found.get("sources") if isinstance(found, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ConfigError(
            f"{path}: sources: a list with at least one source is needed, as in the packaged sources.yaml"
        )
    extra = sorted(str(key) for key in found if key != "sources")
    if extra:
        raise ConfigError(f"{path}: {extra[0]}: unknown key; the file holds only the list sources")
    return entries


def _complaint(path: Path, name: str, entry: Any, error: ValidationError) -> str:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    kind = entry.get("kind") if isinstance(entry, dict) else None
    key = ".".join(part for part in where if part != kind) or "the entry"
    remedies = {
        "extra_forbidden": "remove the key or correct its spelling",
        "missing": f"add the key {key}",
        "union_tag_invalid": "use rss, reddit, bluesky_search or bluesky_jetstream",
        "union_tag_not_found": "add kind: rss, reddit, bluesky_search or bluesky_jetstream",
    }
    key = "kind" if first["type"].startswith("union_tag") else key
    remedy = remedies.get(first["type"], "correct the value; the packaged sources.yaml shows each kind")
    return f"{path}: source {name}: {key}: {first['msg'].removeprefix('Value error, ')}; {remedy}"


@lru_cache(maxsize=1)
def _publishers() -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Families by lower-case outlet name, and (outlet, family) by host, from the packaged table."""
    table = yaml.safe_load(Path(__file__).with_name("publishers.yaml").read_text(encoding="utf-8"))
    names: dict[str, str] = {}
    hosts: dict[str, tuple[str, str]] = {}
    for family, outlets in table["families"].items():
        for outlet, where in outlets.items():
            for alias in (outlet, *(entry for entry in where if "." not in entry or " " in entry)):
                names[fold_name(alias)] = family
            hosts.update({entry: (outlet, family) for entry in where if "." in entry and " " not in entry})
    return names, hosts


def fold_name(name: str) -> str:
    """An outlet's name for comparison: lower-case words without "the", "RSS", "feed", "news" and "blog"."""
    words = re.sub(r"[\W_]+", " ", name.casefold().rpartition("search:")[2]).split()
    return " ".join(word for word in words if word not in ("the", "rss", "feed", "news", "blog"))


SECTIONS = frozenset({"ai", "ml", "tech", "technology", "research", "science", "business"})


def _by_name(publisher: str) -> str | None:
    """Family of an outlet by its name, also when a section follows it, as in "The Verge AI"."""
    names, by_host = _publishers()
    words = fold_name(publisher).split()
    while words:
        known = names.get(" ".join(words)) or (by_host.get(".".join(words)) or (None, None))[1]
        if known or words[-1] not in SECTIONS:
            return known
        words.pop()
    return None


def slug_of(name: str) -> str:
    """A family's slug made of an outlet's name."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")


def publisher_family(publisher: str, *hosts: str) -> str:
    """The family of an outlet: by its name, else by one of the hosts it is read at, else its own name as a slug."""
    _names, by_host = _publishers()
    known = _by_name(publisher)
    if known:
        return known
    for host in hosts:
        labels = host.lower().split(".")
        for start in range(len(labels) - 1):
            found = by_host.get(".".join(labels[start:]))
            if found:
                return found[1]
    return slug_of(publisher) or "outlet-" + hashlib.sha256(publisher.encode("utf-8")).hexdigest()[:10]


def publisher_of_host(host: str) -> str | None:
    """The outlet that publishes at a host, by the packaged table."""
    _names, by_host = _publishers()
    labels = host.lower().split(".")
    for start in range(len(labels) - 1):
        found = by_host.get(".".join(labels[start:]))
        if found:
            return found[0]
    return None
