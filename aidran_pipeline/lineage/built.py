"""Check 6 of verify: the built site against a fresh render, byte for byte, in both directions.

What does not belong here: rendering (publish).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.lineage.findings import Progress, Report, difference, listed
from aidran_pipeline.publish import render_site
from aidran_pipeline.store.db import Connection

MANIFEST = ".aidran-site"  # the builder's list of its own files: not a page


def check_site(
    conn: Connection,
    site_dir: Path,
    publication: Publication,
    slugs: Sequence[str] | None,
    report: Report,
    progress: Progress,
) -> None:
    """Compare files with what the database renders now. slugs: only the pages of these stories (None: the whole site).

    A folder that is not there, or empty, is noted and no mismatch: nothing is published from it.
    """
    if not site_dir.is_dir() or not any(site_dir.iterdir()):
        report.note(f"site not built: no pages in {site_dir} to compare; `aidran site` builds them")
        return
    folders = None if slugs is None else tuple(f"stories/{slug}/" for slug in slugs)
    rendered: set[str] = set()
    try:
        with conn.transaction():
            for path, data in render_site(conn, publication):
                if folders is None or path.startswith(folders):
                    rendered.add(path)
                    _compare(site_dir, path, data, report)
                    if len(rendered) % 250 == 0:
                        progress(f"{len(rendered)} built files compared")
    except Exception as error:  # rows that no page can be made of
        said = f"{type(error).__name__}: {error}"[:300]
        report.add("site", f"the site cannot be rendered: {said}", expected="a whole site", found=said)
        return
    for path in _files(site_dir, folders):
        if path not in rendered and path != MANIFEST:
            report.add(
                "site", f"{path} is not part of the site", expected="no such file", found="a file", path=path
            )  # fmt: skip


def _files(site_dir: Path, folders: Sequence[str] | None) -> list[str]:
    """Every file (or link) below the folder, or below those of the stories, as site paths."""
    roots = [site_dir] if folders is None else [site_dir / folder for folder in folders]
    found = [path for root in roots if root.is_dir() for path in root.rglob("*")]
    return sorted(path.relative_to(site_dir).as_posix() for path in found if path.is_symlink() or not path.is_dir())


def _compare(site_dir: Path, path: str, data: bytes, report: Report) -> None:
    report.count("site")
    place: dict[str, Any] = {"path": path}
    if path.startswith("stories/"):
        place["slug"] = path.split("/")[1]
    try:
        built = (site_dir / path).read_bytes()
    except FileNotFoundError:
        report.add("site", f"{path} is missing from the built site", expected="the page", found="no file", **place)
        return
    except OSError as error:
        report.add("site", f"{path} cannot be read: {error.strerror}", expected="the page", found=error, **place)
        return
    if built != data:
        message, expected, found = _first_difference(data, built)
        sentences = _sentences(path, data, built)
        told = f"; {'sentences' if len(sentences) > 1 else 'sentence'} {listed(sentences, 12)}" if sentences else ""
        report.add(
            "site", f"{path} is not what the database renders, {message}{told}", expected=expected, found=found,
            sentences=sentences, **place,
        )  # fmt: skip


def _first_difference(data: bytes, built: bytes) -> tuple[str, str, str]:
    """Where a file leaves the fresh render, and what each says there."""
    at, expected, found = difference(data.decode("utf-8", "replace"), built.decode("utf-8", "replace"), 40)
    if expected != found:
        return f"from character {at}", expected, found
    at = next((i for i, (a, b) in enumerate(zip(data, built, strict=False)) if a != b), min(len(data), len(built)))
    return f"from byte {at}", repr(data[at : at + 20]), repr(built[at : at + 20])  # bytes that decode alike


def _sentences(path: str, data: bytes, built: bytes) -> list[int]:
    """Ordinals of the sentences in which a story's JSON differs from its rows: it has them one by one."""
    if not (path.startswith("stories/") and path.endswith("/index.json")):
        return []
    try:
        fresh, old = ({s["ordinal"]: s["text"] for s in json.loads(each)["sentences"]} for each in (data, built))
        return sorted(at for at in fresh.keys() | old.keys() if fresh.get(at) != old.get(at))
    except (ValueError, KeyError, TypeError):
        return []
