"""Models that judge: one that compares words and figures, one that always agrees, one that never does, a broken one."""

from __future__ import annotations

import re

from aidran_pipeline_tests.scripted_model.server import ChatRequest, Reply, as_json

LINE = re.compile(r"^[0-9a-f]{8} (?P<kind>sentence|quote \d+|around|source)\| (?P<text>.*)$", re.M)
COMMON = frozenset("a an the of in on at to for and or but is are was were by with from that this it its as".split())


def parts(request: ChatRequest) -> dict[str, list[str]]:
    """The data of a question by kind."""
    found: dict[str, list[str]] = {}
    for match in LINE.finditer(request.messages[1]["content"]):
        found.setdefault(match.group("kind").split()[0], []).append(match.group("text"))
    return found


def ruling(verdict: str, score: float, reason: str = "") -> Reply:
    return Reply(as_json({"verdict": verdict, "score": score, "reason": reason}))


def good(request: ChatRequest) -> Reply:
    """Supported when every figure and most words of the sentence stand in the quotes, with the same count of "not"."""
    data = parts(request)
    words = _words(data["sentence"][0])
    given = _words(" ".join(data["quote"] + data.get("source", [])))
    new = [word for word in words if word.isdigit() and word not in given]
    if new:
        return ruling("not", 0.1, f"The figure {new[0]} is in no quote.")
    if words.count("not") != min(1, given.count("not")) and "not" in words + given:
        return ruling("not", 0.1, "One denies what the other states.")
    own = [word for word in words if word not in COMMON]
    share = sum(word in given for word in own) / max(1, len(own))
    return ruling("supported", max(0.5, share)) if share >= 0.5 else ruling("partly", share, "Much is in no quote.")


def always_yes(request: ChatRequest) -> Reply:
    return ruling("supported", 1.0)


def always_no(request: ChatRequest) -> Reply:
    return ruling("not", 0.0, "The quotes say nothing of it.")


def torn(request: ChatRequest) -> Reply:
    """A verdict that its own score contradicts, again and again."""
    return ruling("supported", 0.1)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
