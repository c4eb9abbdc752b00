"""The relay frames of the recorded Jetstream corpus, decoded without this project's code: what the network really said."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

POSTS = "app.bsky.feed.post"


def relay_posts(folder: Path) -> dict[tuple[str, str], list[dict[str, Any] | None]]:
    """Of each operation on posts (create, update, delete) and address: the records, None for a deletion, in order.

    Skips the test where no zstd program is on PATH.
    """
    program = shutil.which("zstd")
    if program is None:
        pytest.skip("no zstd on PATH to unpack the relay frames")
    packed = subprocess.run([program, "-dcq", str(folder / "frames.bin.zst")], capture_output=True, check=True).stdout
    found: dict[tuple[str, str], list[dict[str, Any] | None]] = {}
    for frame in _frames(packed):
        for operation, uri, record in _operations(frame):
            found.setdefault((operation, uri), []).append(record)
    return found


def _frames(packed: bytes) -> list[bytes]:
    frames, at = [], 0
    while at < len(packed):
        (length,) = struct.unpack_from("<I", packed, at)
        frames.append(packed[at + 4 : at + 4 + length])
        at += 4 + length
    return frames


def _operations(frame: bytes) -> list[tuple[str, str, dict[str, Any] | None]]:
    import libipld
    from atproto_core.car import CAR  # type: ignore[import-untyped]

    header, body = libipld.decode_dag_cbor_multi(frame)
    if header.get("t") != "#commit":
        return []
    blocks = {str(cid): block for cid, block in CAR.from_bytes(body["blocks"]).blocks.items()}
    found: list[tuple[str, str, dict[str, Any] | None]] = []
    for each in body["ops"]:
        collection, _, key = each["path"].partition("/")
        if collection == POSTS:
            record = blocks[_name(each["cid"])] if each["cid"] is not None else None
            found.append((each["action"], f"at://{body['repo']}/{POSTS}/{key}", record))
    return found


def _name(cid: bytes) -> str:
    from atproto_core.cid import CID  # type: ignore[import-untyped]

    return str(CID.decode(cid) if isinstance(cid, bytes) else cid)
