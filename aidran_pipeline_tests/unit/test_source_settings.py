"""Settings of single sources: what they may be, and that a default is no configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from aidran_pipeline.config.publication import ConfigError
from aidran_pipeline.config.sources import RssSource, load_sources

FEED, SUB = "id: a, kind: rss, url: 'https://a.test/'", "id: a, kind: reddit, subreddit: x_y"


def loaded(tmp_path: Path, entry: str) -> dict[str, object]:
    path = tmp_path / "mine.yaml"
    path.write_text(f"sources: [{{{entry}}}]")
    (source,) = load_sources(path)
    return source.address()


def test_what_stands_at_its_default_changes_no_configuration(tmp_path: Path) -> None:
    assert loaded(tmp_path, FEED + ", full_text: never") == loaded(tmp_path, FEED) == {"url": "https://a.test/"}
    plain = {"subreddit": "x_y"}
    assert loaded(tmp_path, SUB + ", top_threads: 3, include_nsfw: false, threads_by: score") == plain
    assert loaded(tmp_path, SUB + ", top_threads: 0, include_nsfw: true") == {
        **plain, "top_threads": 0, "include_nsfw": True,
    }  # fmt: skip
    assert loaded(tmp_path, FEED + ", full_text: auto") == {"url": "https://a.test/", "full_text": "auto"}


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        (FEED + ", full_text: sometimes", "full_text"),
        (SUB + ", top_threads: 26", "top_threads"),
        (SUB + ", thread_comments: 0", "thread_comments"),
        (SUB + ", threads_by: age", "threads_by"),
        (SUB + ", full_text: auto", "full_text"),
        ("id: a, kind: bluesky_jetstream, url: 'wss://a.test/', labels: 'file:///x'", "labels"),
    ],
)
def test_other_values_are_refused_by_name(tmp_path: Path, entry: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        loaded(tmp_path, entry)


def test_the_packaged_feeds_complete_public_bodies_and_leave_the_commercial_press_alone() -> None:
    modes = {source.id: source.full_text for source in load_sources() if isinstance(source, RssSource)}
    assert {modes[name] for name in ("ftc-press-releases", "openai-news", "edri", "npr-technology")} == {"auto"}
    assert {modes[name] for name in ("nyt-ai", "ft-ai", "bloomberg-technology", "le-monde-pixels")} == {"never"}
    assert "always" not in modes.values() and 30 <= sum(mode == "auto" for mode in modes.values()) <= 60
