"""The topics file: beats with their terms, and the words by which a text is about artificial intelligence at all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from aidran_pipeline.config.publication import ConfigError


def _weighted(value: Any) -> Any:
    """["term", "term:0.5"] as {"term": 1.0, "term": 0.5}."""
    if not isinstance(value, list):
        return value
    terms: dict[str, float] = {}
    for item in value:
        text = str(item)
        term, colon, weight = text.rpartition(":")
        try:
            terms[(term if colon else text).strip().lower()] = float(weight) if colon else 1.0
        except ValueError:
            terms[text.strip().lower()] = 1.0
    return terms


Terms = Annotated[dict[str, float], BeforeValidator(_weighted)]


class Topic(BaseModel):
    """One beat."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    slug: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    label: str = Field(min_length=2)
    description: str = Field(min_length=10)
    examples: tuple[str, ...] = ()
    include: Terms
    exclude: tuple[str, ...] = ()
    subreddits: tuple[str, ...] = ()


class Relevance(BaseModel):
    """Words that make a text one about artificial intelligence."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    strong: Terms
    weak: Terms = {}


class Topics(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    relevance: Relevance
    topics: tuple[Topic, ...] = Field(min_length=1)

    def slugs(self) -> list[str]:
        """Slugs in the file's order."""
        return [topic.slug for topic in self.topics]


def load_topics(path: Path | None = None) -> Topics:
    """Read the topics file, the packaged one by default. Raises ConfigError naming file, key and remedy."""
    path = path or Path(__file__).with_name("topics.yaml")
    try:
        topics = Topics.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such topics file; AIDRAN_TOPICS must name an existing file") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"{path}: {where}: {first['msg']}; compare it with the packaged topics.yaml") from error
    seen: set[str] = set()
    for slug in topics.slugs():
        if slug in seen:
            raise ConfigError(f"{path}: topics: the slug {slug!r} stands twice; a slug names one topic")
        seen.add(slug)
    return topics
