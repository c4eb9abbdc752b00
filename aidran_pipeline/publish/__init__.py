"""The static site: every page, feed and JSON file rendered from the database alone.

What does not belong here: deciding what is published (write), changing a row, asking a clock.
"""

from __future__ import annotations

from aidran_pipeline.publish.build import SiteError, SiteResult, build_site
from aidran_pipeline.publish.chart_image import chart_svg
from aidran_pipeline.publish.serve import make_server, serve
from aidran_pipeline.publish.site import render_site

__all__ = ["SiteError", "SiteResult", "build_site", "chart_svg", "make_server", "render_site", "serve"]
