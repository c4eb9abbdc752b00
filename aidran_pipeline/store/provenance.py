"""Who made a row, from what: the run that every stage is handed, and the result it hands back.

Clocks stop here. A stage takes the moment from its `Run` and never asks the system for the time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Progress = Callable[[str], None]


def _silent(_message: str) -> None:
    return None


@dataclass(frozen=True)
class Run:
    """The Dagster run (or command) on whose behalf a stage works.

    id: the Dagster run id, stored on every row. now: aware UTC moment of the run. progress: told one line per step.
    """

    id: str
    now: datetime
    progress: Progress = _silent

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("Run.now must be an aware UTC moment")


@dataclass(frozen=True)
class StageResult:
    """What a stage did to one partition.

    data_version: hash of the partition's content (equal content, equal version). metadata: figures for people.
    """

    data_version: str
    metadata: dict[str, Any] = field(default_factory=dict)
    changed: bool = False


def content_hash(*parts: Any) -> str:
    """SHA-256 (hex) over a canonical JSON form: sorted keys, no spaces, dates in ISO form. Same content, same hash."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
