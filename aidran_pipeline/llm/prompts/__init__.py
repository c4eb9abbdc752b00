"""The prompts, one file each, named by what they are for and their version: a changed prompt is a new file.

The name is part of every request, so of the key of its cached answer.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=64)
def prompt_text(name: str) -> str:
    """The text of a prompt, "read-claims-1". Raises FileNotFoundError when there is none."""
    return (files(__name__) / f"{name}.md").read_text(encoding="utf-8").strip()


__all__ = ["prompt_text"]
