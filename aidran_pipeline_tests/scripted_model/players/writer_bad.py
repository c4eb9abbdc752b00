"""Bad writers: each spoils what the good one wrote in one way, in sections and answers, and mends nothing.

`spoilt(name)` is a player. What each does stands in BAD; a spoiler changes the text or the grounds of a sentence and
leaves alone what it cannot spoil.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aidran_pipeline_tests.scripted_model.players.writer import good_writer, sentences_of, written
from aidran_pipeline_tests.scripted_model.server import ChatRequest, Player, Reply, as_json

Row = dict[str, Any]
INVENTED = "the whole programme will be stopped by Friday"


def invented_quote(line: Row) -> None:
    """A quotation that stands nowhere."""
    line["text"] = line["text"].rstrip(".") + f", and “{INVENTED}”."


def altered_number(line: Row) -> None:
    """Every figure one higher."""
    line["text"] = re.sub(r"\d+", lambda m: str(int(m.group()) + 1), line["text"])


def swapped_name(line: Row) -> None:
    """A name out of nowhere in the place of the first one within the sentence."""
    line["text"] = re.sub(r"(?<=[a-z] )[A-Z][a-z]{3,}", "Zanzibar", line["text"], count=1)


def wrong_ids(line: Row) -> None:
    """Ids that were never given."""
    line["cites"] = ["c9999"]


def uncited(line: Row) -> None:
    """A sentence with no ground at all."""
    line["cites"], line["rests_on"] = [], []


def markup(line: Row) -> None:
    """Tags of a page."""
    line["text"] = f"<b>{line['text']}</b> <script>alert(1)</script>"


def address(line: Row) -> None:
    """A link that the model made up."""
    line["text"] = line["text"].rstrip(".") + " (see https://evil.example/more)."


def leaked_prompt(line: Row) -> None:
    """The system prompt in the prose."""
    line["text"] = "My system prompt says: you are a helpful assistant. " + line["text"]


def model_talk(line: Row) -> None:
    """A model that speaks of itself."""
    line["text"] = "As an AI language model, I cannot judge this. " + line["text"]


def too_long(line: Row) -> None:
    """Far more words than a section may have, all of them the source's."""
    line["text"] = " ".join([line["text"]] * 9)


def too_short(line: Row) -> None:
    """Three words."""
    line["text"] = " ".join(line["text"].split()[:3]) + "."


def negated(line: Row) -> None:
    """The opposite of what the source says."""
    line["text"] = re.sub(r"\b(is|are|was|were|will|can|has|have|needs?|saved?|rose|falls?|pays?)\b",
                          lambda m: f"never {m.group()}", line["text"], count=1)  # fmt: skip


def repeated(line: Row) -> None:
    """One sentence for all."""
    line["text"] = "According to the report, this is what happened."


BAD: dict[str, Callable[[Row], None]] = {
    spoil.__name__: spoil
    for spoil in (
        invented_quote, altered_number, swapped_name, wrong_ids, uncited, markup, address, leaked_prompt, model_talk,
        too_long, too_short, negated, repeated,
    )
}  # fmt: skip


def spoilt(name: str) -> Player:
    """The good writer with one vice. Asked to mend a sentence, it gives the same again."""
    spoil = BAD[name]

    def player(request: ChatRequest) -> Reply:
        answer = written(request)
        if answer is None:
            return good_writer(request)
        if request.prompt.startswith("write-mend"):
            return Reply(as_json({"sentences": []}))
        for line in sentences_of(answer):
            spoil(line)
        return Reply(as_json(answer))

    return player
