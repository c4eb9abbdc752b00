"""The words that the engine may write in its own voice: all of its frames keep to them, and none is there for nothing.

A closed list is what stops "lied" where a frame says "wrote". A word too many in it would let such a word pass.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aidran_pipeline import write
from aidran_pipeline.write.judge import FRAME_WORDS, WORD

MODULES = ("frames", "sections", "titles", "faq", "sofar", "builder", "compose")
# r/ opens a community's name; thirty days is a declared count.
DECLARED = frozenset(("r", "thirty"))
# Words that say what a source did with the truth, or that something is not so: none may be in the list.
LOADED = frozenset(
    """lied lies denied denies admitted admits falsely wrongly rightly allegedly claimed claims conceded refuted debunked
    never always everybody everyone hundreds thousands dozens many few true false proved proves confirmed""".split()
)


def templates() -> Iterator[tuple[str, str]]:
    """(module, text) of every string with a space in it that is no docstring, pattern or message of an error."""
    for module in MODULES:
        path = Path(write.__file__).with_name(f"{module}.py")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        skipped: set[int] = set()
        for node in ast.walk(tree):
            pattern = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in (
                "compile",
                "search",
                "sub",
                "match",
            )
            if pattern or isinstance(node, ast.Raise | ast.Assert):
                skipped |= {id(inner) for inner in ast.walk(node)}
            elif isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and isinstance(node.body[0], ast.Expr):
                skipped.add(id(node.body[0].value))
        for node in ast.walk(tree):
            told = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped
            if told and " " in node.value.strip():
                yield module, re.sub(r"\{[^}]*\}", " ", node.value)


def words_of(text: str) -> set[str]:
    return {word.lower().rstrip(".'’-") for word in WORD.findall(text)}


def test_there_are_templates_to_look_at() -> None:
    assert len(list(templates())) > 20


@pytest.mark.parametrize("module", MODULES)
def test_frames_keep_to_the_words_of_the_judge(module: str) -> None:
    foreign = {word for name, text in templates() if name == module for word in words_of(text)} - FRAME_WORDS - DECLARED
    assert foreign == set()


def test_no_word_of_the_list_judges_a_source() -> None:
    assert not FRAME_WORDS & LOADED
