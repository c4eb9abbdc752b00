"""What a judge says of a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Verdict:
    """score: 0 to 1, in thousandths, so that no verdict hangs on a float's last bit; reasons: why not "supported"."""

    verdict: Literal["supported", "partly", "not"]
    score: float
    reasons: tuple[str, ...] = ()
