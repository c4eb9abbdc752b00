"""The topic page's chart as an SVG file of its own, to be shown elsewhere. Not here: its geometry (chart.py)."""

from __future__ import annotations

from datetime import date
from typing import Any

from aidran_pipeline.publish.chart import make_chart
from aidran_pipeline.publish.pages import environment

# The site's light colours: an image cannot know the page it is shown on.
STYLE = (
    "svg{background:#fffefa;font-family:sans-serif}.grid{stroke:#d9d5ca}.tick{fill:#5a5f68;font-size:12px}"
    ".bar{fill:#b3b0a6}.spike{stroke:#9a2a1b;stroke-width:1.5}.hatch-bg{fill:#fffefa}"
    ".hatch-line{stroke:#9a2a1b;stroke-width:5}.unknown{fill:none;stroke:#d9d5ca;stroke-dasharray:3 3}"
    ".mark{fill:#9a2a1b;font-size:12px;font-weight:600}.baseline{stroke:#17191e;stroke-width:1.5;stroke-dasharray:6 4}"
)


def chart_svg(series: list[dict[str, Any]], spikes: dict[date, str], label: str, expected: float | None) -> str | None:
    """The volume of a topic up to the last day of `series`; None when there is nothing to draw.

    series, spikes, expected: as for make_chart. The same values give the same text.
    """
    chart = make_chart(series, spikes, expected)
    if chart is None:
        return None
    return str(environment().get_template("_chart.html").module.drawing(chart, label, STYLE))  # type: ignore[attr-defined]
