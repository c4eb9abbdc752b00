"""The site on disk: only what changed is touched, each file appears whole, what is no longer rendered goes.

What does not belong here: what a page holds (site.py and below).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.publish.site import render_site
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, content_hash

MANIFEST = ".aidran-site"
PART = ".aidran-part"


class SiteError(RuntimeError):
    """The site cannot be built there; the message names the folder and the remedy."""


@dataclass(frozen=True)
class SiteResult:
    """pages: files of the site; changed: files written; removed: stale files taken away; data_version: hash of all."""

    pages: int
    changed: int
    removed: int
    data_version: str
    out: Path


def build_site(conn: Connection, out: Path, publication: Publication, *, run: Run) -> SiteResult:
    """Write the site into `out`.

    Pages are written before the pages that lead to them, each by rename, and stale files go last: a build that is
    killed leaves a whole site behind, and the next one finishes it. The folder holds a list of the files that are ours;
    a folder with other things in it is refused (SiteError), and files that we did not write are left alone.
    """
    out = Path(out)
    known = _open(out)
    rendered: dict[str, str] = {}
    changed = 0
    with (out / MANIFEST).open("a", encoding="utf-8") as journal:
        for path, data in render_site(conn, publication):
            if path in rendered:
                raise SiteError(f"two pages claim {path}")
            rendered[path] = hashlib.sha256(data).hexdigest()
            if path not in known:
                journal.write(path + "\n")
                journal.flush()
            if _write(out / _checked(path), data):
                changed += 1
                if changed % 250 == 0:
                    run.progress(f"site: {changed} files written")
    removed = sum(_remove(out, path) for path in sorted(known - rendered.keys()))
    _write(out / MANIFEST, "".join(path + "\n" for path in sorted(rendered)).encode())
    run.progress(f"site: {len(rendered)} files, {changed} changed, {removed} removed")
    return SiteResult(len(rendered), changed, removed, content_hash(sorted(rendered.items())), out)


def _open(out: Path) -> set[str]:
    """The files of the last build, finished or not. Makes the folder; sweeps what a killed build left half-written."""
    out.mkdir(parents=True, exist_ok=True)
    manifest = out / MANIFEST
    if not manifest.exists():
        if any(out.iterdir()):
            raise SiteError(f"{out} holds files of something else; name an empty folder for the site")
        manifest.touch()
    known = {line for line in manifest.read_text(encoding="utf-8").split("\n") if line}
    for path in known:
        (out / _checked(path)).with_name(_part_name(path)).unlink(missing_ok=True)
    return known


def _checked(path: str) -> str:
    """A path that stays inside the folder, whatever a manifest or a slug says."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise SiteError(f"a site path must stay below its root: {path!r}")
    return path


def _part_name(path: str) -> str:
    return PurePosixPath(path).name + PART


def _write(target: Path, data: bytes) -> bool:
    """Write by rename unless the file already holds the bytes. Returns whether it was written."""
    try:
        if target.stat().st_size == len(data) and target.read_bytes() == data:
            return False
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + PART)
    part.write_bytes(data)
    part.replace(target)
    return True


def _remove(out: Path, path: str) -> int:
    """Take a stale file and the folders that it leaves empty."""
    target = out / _checked(path)
    try:
        target.unlink()
    except FileNotFoundError:
        return 0
    for folder in target.parents:
        if folder == out or any(folder.iterdir()):
            break
        folder.rmdir()
    return 1
