"""The protocol's own lists of what is valid and what is not, in every place where such a text is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from aidran_pipeline.ingest.atproto_syntax import DATETIME, is_did, is_handle, moment, post_address

POSTS = "app.bsky.feed.post"


def listed(shared_data: Path, name: str) -> list[str]:
    """Lines of a list without its comments, spaces kept."""
    folder = shared_data / "data" / "bluesky" / "atproto_interop" / "syntax"
    lines = (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if line and not line.startswith("#")]
    assert len(found) >= 3
    return found


def test_dids(shared_data: Path) -> None:
    valid, invalid = listed(shared_data, "did_syntax_valid"), listed(shared_data, "did_syntax_invalid")
    assert [did for did in valid if not is_did(did) or post_address(f"at://{did}/{POSTS}/3k") != (did, "3k")] == []
    assert [did for did in invalid if is_did(did) or post_address(f"at://{did}/{POSTS}/3k")] == []


def test_handles(shared_data: Path) -> None:
    assert [handle for handle in listed(shared_data, "handle_syntax_valid") if not is_handle(handle)] == []
    assert [handle for handle in listed(shared_data, "handle_syntax_invalid") if is_handle(handle)] == []


def test_record_keys(shared_data: Path) -> None:
    base = f"at://did:plc:asdf123/{POSTS}/"
    assert [key for key in listed(shared_data, "recordkey_syntax_valid") if post_address(base + key) is None] == []
    assert [key for key in listed(shared_data, "recordkey_syntax_invalid") if post_address(base + key)] == []
    tids = listed(shared_data, "tid_syntax_valid")
    assert all(post_address(base + key) for key in tids)


@pytest.mark.parametrize("name", ["aturi_syntax_valid", "aturi_syntax_invalid"])
def test_addresses(shared_data: Path, name: str) -> None:
    """A post's address is one in the collection of posts: so every listed one is no post as it stands."""
    uris = listed(shared_data, name)
    assert [uri for uri in uris if post_address(uri)] == []
    posts = [uri.replace("com.atproto.feed.post", POSTS, 1) for uri in uris if "com.atproto.feed.post" in uri]
    expected = [uri for uri in posts if name.endswith("_valid") and uri.count("/") == 4 and "://did:" in uri]
    assert [uri for uri in posts if post_address(uri)] == [uri for uri in expected if "postV2" not in uri]
    assert bool(expected) == name.endswith("_valid")


def test_other_collections_are_no_posts(shared_data: Path) -> None:
    names = listed(shared_data, "nsid_syntax_valid") + listed(shared_data, "nsid_syntax_invalid")
    assert [name for name in names if post_address(f"at://did:plc:asdf123/{name}/3k")] == []


def test_moments(shared_data: Path) -> None:
    valid, invalid = listed(shared_data, "datetime_syntax_valid"), listed(shared_data, "datetime_syntax_invalid")
    assert [text for text in valid if DATETIME.fullmatch(text) is None] == []
    assert [text for text in invalid if moment(text) is not None] == []
    bad = [*invalid, *listed(shared_data, "datetime_parse_invalid")]
    assert [text for text in bad if moment(text.replace("1985-", "2026-")) is not None] == []
    this_era = [text.replace("1985-", "2026-") for text in valid if text.startswith("1985-")]
    assert [text for text in this_era if moment(text) is None] == [] and len(this_era) > 20


@pytest.mark.parametrize(
    "text", ["1985-04-12T23:20:50.123Z", "2026-07-05T24:00:00Z", "2026-02-30T00:00:00Z", "", "now"]
)
def test_no_moment_of_a_post(text: str) -> None:
    assert moment(text) is None


def test_a_moment_is_utc_to_the_microsecond() -> None:
    found = moment("2026-07-05T12:00:00.1234567890+02:00")
    assert found is not None and found.isoformat() == "2026-07-05T10:00:00.123456+00:00"
