"""Entities: canonical names out of texts, doubtful names only where the text vouches for them, offsets in code points."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aidran_pipeline.text.entities import Entity, EntityMatcher, EntityTableError, entities_of, load_entities

TABLE = load_entities()


def named(text: str) -> list[tuple[str, str]]:
    return [(m.text, m.name) for m in entities_of(text)]


def test_the_table_is_large_and_in_order() -> None:
    assert len(TABLE) >= 250
    assert {e.kind for e in TABLE} == {"organisation", "person", "product", "model"}
    assert {e.name for e in TABLE if e.words and not e.check} == set(), "words vouch for doubtful names only"
    EntityMatcher(TABLE)


@pytest.mark.parametrize("entity", TABLE, ids=[e.name for e in TABLE])
def test_every_name_of_the_table_is_found_where_the_text_is_about_it(entity: Entity) -> None:
    for alias in entity.names:
        found = entities_of(f"They spoke about AI and said that {alias} was there, an artificial intelligence story.")
        assert entity.name in {m.name for m in found}, alias


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OpenAI's models", [("OpenAI", "OpenAI")]),
        ("OpenAI’s models", [("OpenAI", "OpenAI")]),
        ("two H100s and GPTs", [("H100s", "H100"), ("GPTs", "GPT")]),
        ("gpt4o, GPT 4o and GPT-4o", [("gpt4o", "GPT-4o"), ("GPT 4o", "GPT-4o"), ("GPT-4o", "GPT-4o")]),
        ("GitHub Copilot, not GitHub", [("GitHub Copilot", "GitHub Copilot"), ("GitHub", "GitHub")]),
        ("Google DeepMind and Google", [("Google DeepMind", "Google DeepMind"), ("Google", "Google")]),
        ("Claude Opus 4.5 thinks", [("Claude Opus 4.5", "Claude Opus")]),
        ("Gemini 2.5 Pro thinks", [("Gemini 2.5 Pro", "Gemini")]),
        ("Qwen2.5 and Llama 4 Scout", [("Qwen2.5", "Qwen"), ("Llama 4 Scout", "Llama")]),
        ("Meta, Facebook's owner", [("Meta", "Meta"), ("Facebook", "Facebook")]),
        ("OpenAI. Meta rose", [("OpenAI", "OpenAI")]),
        ("It left Apple. Intelligence agencies were silent", []),
        ("François Chollet and Francois Chollet", [("François Chollet", "François Chollet"), ("Francois Chollet", "François Chollet")]),
        ("chatgpt says no", [("chatgpt", "ChatGPT")]),
        ("the open AI models", []),
        ("see https://openai.com/x, openai.com and @OpenAI", []),
        ("#OpenAI", [("OpenAI", "OpenAI")]),
    ],
)  # fmt: skip
def test_mentions(text: str, expected: list[tuple[str, str]]) -> None:
    assert named(text) == expected


@pytest.mark.parametrize(
    ("meant", "other"),
    [
        ("The chatbot Claude answered", "Claude answered the door"),
        ("Meta trains its AI on posts", "That is a meta comment on AI"),
        ("Apple adds generative AI", "Apple pie, recommended by an AI"),
        ("Amazon's chatbot recommends books", "Amazon river towns ask a chatbot"),
        ("Cursor is a coding editor", "The cursor of the coding editor blinks"),
        ("Grok, the chatbot of Musk", "I grok the chatbot"),
        ("Gemini, a chatbot", "Gemini horoscope, by a chatbot"),
        ("Altman, head of OpenAI", "Robert Altman would have filmed OpenAI"),
        ("Claude writes code for Anthropic", "Claude Monet in an AI exhibition"),
    ],
)
def test_doubtful_names_need_the_text_to_vouch_for_them(meant: str, other: str) -> None:
    doubtful = {"Claude", "Meta", "Apple", "Amazon", "Cursor", "Grok", "Gemini", "Sam Altman"}
    assert len({m.name for m in entities_of(meant)} & doubtful) == 1
    assert not {m.name for m in entities_of(other)} & doubtful


def test_the_voucher_must_be_near() -> None:
    far = "x " * 200
    assert named(f"Claude came by. {far}") == []
    assert named(f"Claude came by. {far} Anthropic") == [("Anthropic", "Anthropic")]
    assert [name for _, name in named("Claude came by. Anthropic")] == ["Claude", "Anthropic"]


def test_a_version_is_kept_and_a_count_is_not_one() -> None:
    assert [m.version for m in entities_of("GPT-5.2 and Claude Sonnet 4.5")] == ["5.2", "4.5"]
    assert [(m.text, m.version) for m in entities_of("ChatGPT 10 million times")] == [("ChatGPT", "")]


@given(st.text(alphabet=st.sampled_from("🤖ß aAIi.-'’\nOpenCludGPT45mt"), max_size=80))
def test_offsets_are_code_points_and_mentions_do_not_overlap(noise: str) -> None:
    text = f"{noise} 🤖 OpenAI {noise}"
    found = entities_of(text)
    assert all(text[m.start : m.end] == m.text for m in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert "OpenAI" in {m.name for m in found}


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("gadget: {X: {}}", "no such kind"),
        ("person: {A: {check: [B]}}", "not among its names"),
        ("person: {A: {parent: B}}", "is not in the table"),
        ("person: {A: {nickname: B}}", "unknown keys"),
        ("person: {A: {}}\nmodel: {A: {}}", "stands twice"),
    ],
)
def test_a_faulty_table_says_where(tmp_path: Path, table: str, fault: str) -> None:
    file = tmp_path / "entities.yaml"
    file.write_text(table, encoding="utf-8")
    with pytest.raises(EntityTableError, match=fault):
        load_entities(file)


def test_a_name_belongs_to_one_entity() -> None:
    with pytest.raises(EntityTableError, match="a name of A and of B"):
        EntityMatcher([Entity("A", "person", ("A", "Same")), Entity("B", "model", ("B", "same"))])
