"""What every benchmark shares: options, a table for people, one JSON object as the last line.

What does not belong here: measuring. Run them with `python -m benchmarks.NAME`.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Sequence
from typing import Any


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns aligned, numbers to the right."""
    cells = [list(map(_shown, row)) for row in [head, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    numeric = [all(isinstance(row[i], int | float) for row in rows) for i in range(len(head))]
    lines = [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numeric, strict=True)
        )
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


def finish(name: str, figures: dict[str, Any]) -> None:
    """Print the figures as one line of JSON, the last of the output; NaN is refused."""
    sys.stdout.flush()
    print(json.dumps({"benchmark": name, **figures}, ensure_ascii=False, allow_nan=False))


def peak_megabytes() -> float:
    """The most memory this process has held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
