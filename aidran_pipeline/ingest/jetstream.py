"""Jetstream events (version 1 of the protocol) into records and withdrawals; which events are kept. Pure.

What is kept of a drain is a body of lines: a heading of our own, then each kept event, byte for byte as it came: the
last one of each post and account. What does not belong here: the socket (jetstream_drain), tables (store.streams).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aidran_pipeline.config.topics import Relevance
from aidran_pipeline.ingest.atproto_syntax import COLLECTION as COLLECTION
from aidran_pipeline.ingest.atproto_syntax import post_address
from aidran_pipeline.ingest.bluesky import HIDDEN_LABELS, PRIVATE_LABEL, _date, _language
from aidran_pipeline.ingest.parsed import NotParsable, ParsedLink, ParsedRecord
from aidran_pipeline.ingest.plain import LONGEST_BODY, clean_text
from aidran_pipeline.ingest.urls import bare_links, http_url

HEADING = "aidran_jetstream"
MOST_LINKS = 50
STATUSES = frozenset({"deleted", "takendown", "suspended", "deactivated"})
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PROFILES = "app.bsky.actor.profile"
_POST, _ACCOUNT, _PROFILE = f'"{COLLECTION}"'.encode(), b'"account"', f'"{PROFILES}"'.encode()
_TIME = re.compile(rb'"time_us"\s*:\s*(\d{1,18})')
_PIECES, _NEVER = re.compile(r"[^\W_]+"), ("\0",)
Withdrawal = tuple[str, str, str, datetime]  # as in store.streams


def moment_of(micros: int) -> datetime:
    """A stream's time as a moment."""
    return EPOCH + timedelta(microseconds=micros)


def micros_of(moment: datetime) -> int:
    """A moment as a stream's time, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def about(relevance: Relevance) -> Callable[[str], bool]:
    """Whether a text is about artificial intelligence by the words of the topics file, as analysis decides it."""
    from aidran_pipeline.text.terms import Matcher, stems_of

    strong, weak = Matcher.of(relevance.strong), Matcher.of(relevance.weak)
    begins = _beginnings([key.split()[0] for matcher in (strong, weak) for key, _weight in matcher.terms])

    def wants(text: str) -> bool:
        # Stemming is what costs: most posts hold no word that even begins as a term does.
        if not any(piece.startswith(begins.get(piece[:2], _NEVER)) for piece in _PIECES.findall(text.lower())):
            return False
        stems = stems_of(text)
        return strong.total(stems) + weak.total(stems) >= 1.0

    return wants


def _beginnings(stems: Collection[str]) -> dict[str, tuple[str, ...]]:
    """By two letters, what the words of these stems begin with: a stem's last letter may differ from its words'."""
    found: dict[str, set[str]] = {}
    for stem in stems:
        piece = (_PIECES.findall(stem) or [stem])[0]
        start = piece[:-1] if len(piece) > 4 else piece
        found.setdefault(piece[:2], set()).add(start)
    return {head: tuple(sorted(starts)) for head, starts in found.items()}


@dataclass
class Sieve:
    """Takes every event of a stream and keeps those that matter. One drain each.

    wants: whether a post's words are on topic. posts, authors: what is stored already: its edits, deletions and account
    events are kept; a post that is known brings nothing new. private: authors who were noted as asking not to be shown;
    their posts are not kept, and a profile of theirs that asks it no more is. after: events up to this time
    (microseconds) are replays.
    """

    wants: Callable[[str], bool]
    posts: Collection[str] = frozenset()
    authors: Collection[str] = frozenset()
    private: Collection[str] = frozenset()
    after: int = 0
    events: int = 0
    replayed: int = 0
    broken: int = 0
    first_us: int | None = None
    last_us: int | None = None
    kept: dict[str, bytes] = field(default_factory=dict)
    kept_bytes: int = 0

    def take(self, raw: bytes) -> None:
        """One event as it came. What cannot be read is counted, never raised."""
        self.events += 1
        found = _TIME.search(raw)
        if found is None:
            self.broken += 1
            return
        time_us = int(found.group(1))
        if self.first_us is None:
            self.first_us = time_us
        if time_us <= self.after:
            self.replayed += 1
            return
        self.last_us = time_us if self.last_us is None else max(self.last_us, time_us)
        if _POST in raw or _ACCOUNT in raw or _PROFILE in raw:
            self._look(raw)

    def _look(self, raw: bytes) -> None:
        try:
            event = json.loads(raw)
            kind, did = event["kind"], event["did"]
            if kind == "account":
                if did in self.authors:
                    self._keep(did, raw)
            elif kind == "commit" and event["commit"]["collection"] == COLLECTION:
                self._post(event["commit"], did, f"at://{did}/{COLLECTION}/{event['commit']['rkey']}", raw)
            elif kind == "commit" and event["commit"]["collection"] == PROFILES and did in self.authors:
                self._profile(event["commit"], did, raw)
        except (ValueError, KeyError, TypeError, RecursionError):
            self.broken += 1

    def _profile(self, commit: Mapping[str, Any], did: str, raw: bytes) -> None:
        if did in self.private or _asks_privacy(commit):
            self._keep(f"{did}/profile", raw)

    def _post(self, commit: Mapping[str, Any], did: str, uri: str, raw: bytes) -> None:
        operation, known = commit["operation"], uri in self.posts
        if operation == "delete":
            self._drop(uri)  # what came and went within one drain leaves no trace
            if known:
                self._keep(uri, raw)
        elif did in self.private:
            return
        elif (operation == "update" and (known or uri in self.kept)) or (
            operation in ("create", "update") and not known and self.wants(_words(commit["record"]))
        ):
            self._keep(uri, raw)

    def _keep(self, name: str, raw: bytes) -> None:
        self._drop(name)
        self.kept[name] = raw
        self.kept_bytes += len(raw)

    def _drop(self, name: str) -> None:
        self.kept_bytes -= len(self.kept.pop(name, b""))

    def posts_kept(self) -> dict[str, int]:
        """Addresses of the posts kept that say something, with the time of their events."""
        events = {name: json.loads(raw) for name, raw in self.kept.items() if post_address(name) is not None}
        return {name: int(event["time_us"]) for name, event in events.items() if _is_post(event, "create", "update")}

    def leave_out(self, names: Iterable[str]) -> None:
        """Keep no trace of these posts after all."""
        for name in names:
            self._drop(name)

    def body(self, **heading: Any) -> bytes:
        """What is stored: the heading, then the kept events."""
        told = {"events": self.events, "first_us": self.first_us, "last_us": self.last_us, **heading}
        first = json.dumps({HEADING: told}, sort_keys=True).encode()
        return b"\n".join([first, *(line.replace(b"\n", b" ") for line in self.kept.values())]) + b"\n"


def _words(record: Any) -> str:
    """What a post says, the title of its card included."""
    parts = [record.get("text"), *(card.get("title") for card in _cards(record))]
    return "\n".join(part for part in parts if isinstance(part, str))


def _cards(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    embed = record.get("embed")
    offered = [embed, embed.get("media")] if isinstance(embed, dict) else []
    cards = [part.get("external") for part in offered if isinstance(part, dict)]
    return [card for card in cards if isinstance(card, dict)]


def stream_events(body: bytes) -> list[dict[str, Any]]:
    """The events of a stored body. Raises NotParsable for another body."""
    lines = body.splitlines()
    try:
        events = [json.loads(line) for line in lines]
    except (ValueError, RecursionError) as error:
        raise NotParsable("malformed", f"a line of the stream is not JSON: {error}"[:200]) from error
    if not events or not all(isinstance(event, dict) for event in events) or HEADING not in events[0]:
        raise NotParsable("not_a_feed", "the body holds no drained stream")
    return events[1:]


def parse_stream(body: bytes, *, url: str, content_type: str | None, source: Mapping[str, Any]) -> list[ParsedRecord]:
    """The posts of a drain, as they stood at its end. Posts that ask not to be shown are left out."""
    records = [_record(event) for event in stream_events(body) if _is_post(event, "create", "update")]
    return [record for record in records if record is not None]


def _is_post(event: Mapping[str, Any], *operations: str) -> bool:
    commit = event.get("commit")
    return isinstance(commit, dict) and commit.get("collection") == COLLECTION and commit.get("operation") in operations


def _record(event: Mapping[str, Any]) -> ParsedRecord | None:
    commit = event["commit"]
    uri = f"at://{event.get('did')}/{COLLECTION}/{commit.get('rkey')}"
    named, record = post_address(uri), commit.get("record")
    if named is None or not isinstance(record, dict) or not isinstance(record.get("text"), str) or _hidden(record):
        return None
    text = clean_text(record["text"])[:LONGEST_BODY].rstrip()
    if not text:
        return None
    created, langs = str(record.get("createdAt") or ""), record.get("langs")
    return ParsedRecord(
        native_id=uri,
        url=f"https://bsky.app/profile/{named[0]}/post/{named[1]}",
        title=None,
        body=text,
        published_at=_date(created, moment_of(int(event["time_us"])).isoformat()),
        published_raw=created[:100] or None,
        author_key=named[0],
        declared_lang=_language([lang for lang in langs if isinstance(lang, str)] if isinstance(langs, list) else None),
        links=_links(record, text),
    )


def _asks_privacy(commit: Mapping[str, Any]) -> bool:
    """Whether a profile carries the label by which its author asks not to be shown to people who are not signed in."""
    record = commit.get("record")
    return isinstance(record, dict) and PRIVATE_LABEL in _self_labels(record)


def _hidden(record: Mapping[str, Any]) -> bool:
    """Labels that the author put on the post."""
    return bool(_self_labels(record) & (HIDDEN_LABELS | {PRIVATE_LABEL}))


def _self_labels(record: Mapping[str, Any]) -> set[str]:
    labels = record.get("labels")
    values = labels.get("values") if isinstance(labels, dict) else None
    found = [label.get("val") for label in (values if isinstance(values, list) else []) if isinstance(label, dict)]
    return {value for value in found if isinstance(value, str)}


def _links(record: Mapping[str, Any], text: str) -> tuple[ParsedLink, ...]:
    facets = record.get("facets")
    features = [
        feature
        for facet in (facets if isinstance(facets, list) else [])
        if isinstance(facet, dict) and isinstance(facet.get("features"), list)
        for feature in facet["features"]
        if isinstance(feature, dict)
    ]
    kept: dict[str, ParsedLink] = {}
    for link in [*(feature.get("uri") for feature in features), *bare_links(text)]:
        found = http_url(link) if isinstance(link, str) else None
        if found and len(kept) < MOST_LINKS and not any(other.startswith(found.rstrip("/…")) for other in kept):
            kept[found] = ParsedLink("body", found)
    for external in _cards(record):
        card = http_url(external.get("uri")) if isinstance(external.get("uri"), str) else None
        if card:
            kept[card] = ParsedLink("card", card)
    return tuple(kept.values())


def withdrawals(body: bytes) -> list[Withdrawal]:
    """What a drain says is withdrawn: posts deleted, accounts gone, asking not to be shown, or back."""
    found: list[Withdrawal] = []
    for event in stream_events(body):
        moment = moment_of(int(event["time_us"]))
        if _is_post(event, "delete"):
            found.append(("post", f"at://{event['did']}/{COLLECTION}/{event['commit']['rkey']}", "deleted", moment))
        elif isinstance(event.get("commit"), dict) and event["commit"].get("collection") == PROFILES:
            status = "private" if _asks_privacy(event["commit"]) else "active"
            found.append(("account", str(event["did"]), status, moment))
        elif event.get("kind") == "account" and isinstance(event.get("account"), dict):
            said = event["account"]
            status = "active" if said.get("active") else str(said.get("status") or "other")
            found.append(("account", str(event["did"]), status if status in STATUSES | {"active"} else "other", moment))
    return found
