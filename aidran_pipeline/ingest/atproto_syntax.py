"""Names and times of the AT protocol as its specification writes them: what does not fit is nobody's post. Pure.

Source: https://atproto.com/specs (did, handle, at-uri-scheme, record-key) and its lexicon's datetime format. Only what
a post's address needs: an authority that is a DID, the collection of posts, one record key, nothing after it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

COLLECTION = "app.bsky.feed.post"
LONGEST_DID, LONGEST_HANDLE = 2048, 253
DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]")
HANDLE = re.compile(
    r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII
)
RECORD_KEY = re.compile(r"(?!\.\.?\Z)[A-Za-z0-9._~:-]{1,512}")
DATETIME = re.compile(
    r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)"
    r"(\.\d{1,20})?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


def is_did(text: str) -> bool:
    """Whether a text is a DID."""
    return len(text) <= LONGEST_DID and DID.fullmatch(text) is not None


def is_handle(text: str) -> bool:
    """Whether a text is a handle: a host name of two labels or more whose last begins with a letter."""
    return len(text) <= LONGEST_HANDLE and HANDLE.fullmatch(text) is not None


def post_address(uri: str) -> tuple[str, str] | None:
    """(DID, record key) of a post's at-uri; None for any other text."""
    scheme, _, rest = uri.partition("at://")
    parts = rest.split("/")
    if scheme or len(parts) != 3 or parts[1] != COLLECTION:
        return None
    return (parts[0], parts[2]) if is_did(parts[0]) and RECORD_KEY.fullmatch(parts[2]) else None


def moment(text: str) -> datetime | None:
    """A datetime as aware UTC, to the microsecond; None when it is none, or no year that a clock here can have."""
    found = DATETIME.fullmatch(text)
    if found is None or found.group(3) == "-00:00":
        return None
    try:
        whole = datetime.fromisoformat(found.group(1) + (found.group(2) or "")[:7] + found.group(3)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return whole if 2000 <= whole.year <= 9000 else None
