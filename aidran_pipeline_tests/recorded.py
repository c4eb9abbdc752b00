"""Recorded exchanges beside the checkout, by file name, for tests that take them one by one."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
NOT_SENT = frozenset(
    {"content-length", "content-encoding", "transfer-encoding", "connection", "set-cookie", "location"}
)


@dataclass(frozen=True)
class Exchange:
    """One recorded answer. method and uri: of its request."""

    method: str
    uri: str
    status: int
    headers: dict[str, str]
    body: bytes


def files(folder: str, pattern: str) -> list[Any]:
    """Each file as a parameter named after it; one that skips where the recordings are absent."""
    found = sorted((DATA / folder).glob(pattern))
    absent = pytest.param(
        None, marks=pytest.mark.skip(reason=f"no recordings beside the checkout (../shared/data/{folder})")
    )
    return [pytest.param(file, id=file.name) for file in found] or [absent]


def exchanges(file: Path) -> list[Exchange]:
    """The answers of a recording, in their order, as they went over the wire after decompression."""
    text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    found = json.loads(text)
    if isinstance(found, dict):
        found = found.get("http_interactions", [found])
    return [_exchange(each) for each in found]


def _exchange(recorded: dict[str, Any]) -> Exchange:
    answer = recorded.get("response", recorded)
    status, body = answer["status"], answer["body"]
    if isinstance(body, dict) and ("string" in body or "base64_string" in body):
        given = body.get("string")
        packed = base64.b64decode(body["base64_string"]) if given is None else given.encode()
        body = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
    elif not isinstance(body, bytes):
        body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    headers = {
        name: ", ".join(value) if isinstance(value, list) else str(value)
        for name, value in (answer.get("headers") or {}).items()
        if name.lower() not in NOT_SENT
    }
    request = recorded.get("request") or {}
    return Exchange(
        str(request.get("method") or "GET"), str(request.get("uri") or ""),
        int(status["code"] if isinstance(status, dict) else status), headers, body,
    )  # fmt: skip
