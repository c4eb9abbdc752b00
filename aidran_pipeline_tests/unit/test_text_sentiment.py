"""Tone and stance of a text: words by what they do, what is left unclear, and what the figures beside the weights say."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest

from aidran_pipeline.text.embeddings import embed
from aidran_pipeline.text.sentiment import CHARS, Reading, read_sentiment, sentiment_version
from aidran_pipeline.text.sentiment.features import NAMES, features
from aidran_pipeline.text.sentiment.model import Scores, from_json, trained
from aidran_pipeline.text.sentiment.words import GROUPS, counted, table

HARM, BLAME, GAIN, PRAISE = range(4)


def read(text: str) -> Reading:
    return read_sentiment(text, embed(text[:CHARS]))


def named(text: str) -> dict[str, float]:
    return dict(zip(NAMES, features(text), strict=True))


def test_words_count_by_what_they_do_and_a_negation_turns_them() -> None:
    assert counted("The lawsuit is a game changer.") == [(HARM, False), (PRAISE, False)]
    assert counted("It is not great and it never fails.") == [(PRAISE, True), (HARM, True)]
    assert counted("I don’t trust it") == [(BLAME, False)]  # the phrase, not the praise of trust denied
    assert counted("They raised a series B") == [(GAIN, False), (GAIN, False)]
    assert counted("See https://great.example/awful and @hate") == []
    assert named("not great")["balance"] < 0 < named("great")["balance"]
    assert named("not dangerous")["balance"] > named("dangerous")["balance"]


def test_every_phrase_of_the_table_is_found_in_a_sentence() -> None:
    assert len(table()) > 400 and {*table().values()} == set(range(len(GROUPS)))
    from aidran_pipeline.text.sentiment import words

    for name in ("HARM", "BLAME", "GAIN", "PRAISE"):
        for phrase in getattr(words, name).replace("\n", " ").split(","):
            assert counted(f"Here {phrase.strip()} there"), phrase


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("The chatbot lies, it is dangerous and useless, and artists hate this AI slop scam.", "negative"),
        ("I love this model: brilliant, fast and so useful. Congratulations to the team, amazing work!", "positive"),
        ("AI labs sued over stolen books as layoffs and data breach fears grow", "negative"),
    ],
)
def test_plain_tones_are_told(text: str, sentiment: str) -> None:
    found = read(text)
    assert found.sentiment == sentiment and found.sentiment_confidence > 0.5
    assert (found.balance > 0) == (sentiment == "positive")
    assert read(text) == found


def test_only_the_first_part_of_a_text_is_read() -> None:
    head = "The ministry publishes its list of models on Tuesday, and the list has forty names. " * 6
    assert read(head[:CHARS] + " I hate this awful disaster.") == read(head[:CHARS])


def test_below_its_threshold_a_label_is_not_given() -> None:
    asked = Scores(("ill", "plain", "good"), np.zeros((3, 2)), (0.6, 0.4995, 1.0), (3.0, 1.0, 2.0))
    assert asked.given((0.61, 0.3, 0.09)) == "ill"
    assert asked.given((0.6, 0.3, 0.1)) is None
    assert asked.given((0.3, 0.5, 0.2)) == "plain"
    assert asked.given((0.0, 0.0, 1.0)) is None  # never, at a threshold of 1
    assert asked.forced((0.3, 0.5, 0.2)) == "ill"
    assert asked.probabilities(np.array([5.0])) == (0.333, 0.333, 0.333)


def test_weights_of_other_features_or_another_embedding_are_refused() -> None:
    found = json.loads(files("aidran_pipeline.text.sentiment").joinpath("weights.json").read_text(encoding="utf-8"))
    assert from_json(json.dumps(found)).version == found["version"]
    for change in ({"features": found["features"][1:]}, {"embedding": "another"}, {"mean": found["mean"][1:]}):
        with pytest.raises(ValueError, match="train_sentiment"):
            from_json(json.dumps(found | change))


def test_the_package_says_how_far_it_can_be_trusted() -> None:
    measured = trained().measured
    assert measured["texts"] >= 200 and measured["read_twice"] >= 200
    assert measured["sentiment"]["accuracy"] > measured["sentiment, commonest label"]["accuracy"]
    assert measured["sentiment"]["macro_f1"] > 0.6 and measured["sentiment"]["given"]["accuracy"] > 0.7
    assert sentiment_version() == f"sentiment-{trained().version}"
