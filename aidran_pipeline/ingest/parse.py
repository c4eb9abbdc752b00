"""The pure parser that ingest uses and verify uses again: the same body gives the same records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aidran_pipeline.ingest.bluesky import parse_search
from aidran_pipeline.ingest.jetstream import parse_stream
from aidran_pipeline.ingest.parsed import NotParsable, ParsedRecord
from aidran_pipeline.ingest.reddit import parse_listing
from aidran_pipeline.ingest.rss import parse_feed

PARSERS = {
    "rss": parse_feed,
    "reddit": parse_listing,
    "bluesky_search": parse_search,
    "bluesky_jetstream": parse_stream,
}


def parse_body(
    kind: str, body: bytes, *, url: str, content_type: str | None, source: Mapping[str, Any]
) -> list[ParsedRecord]:
    """Records of one fetched body.

    kind: of the source. body: uncompressed bytes, as hashed. url: the final address of the fetch, the base of relative
    links. source: its row (id, publisher, config are used). A record is found again by its `locator`.
    Raises NotParsable (with the error class) for a body that is not of that kind, and for an unknown kind.
    """
    parser = PARSERS.get(kind)
    if parser is None:
        raise NotParsable("malformed", f"no parser reads sources of kind {kind!r}")
    return parser(body, url=url, content_type=content_type, source=source)
