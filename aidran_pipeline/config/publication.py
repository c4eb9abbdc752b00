"""The publication file: name, label and thresholds of what is published."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError, model_validator


class ConfigError(ValueError):
    """A configuration file does not fit; the message names file, key, rule and remedy."""


class Evidence(BaseModel):
    """The minimum that a story must cite: gate 6."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    records: int = Field(default=5, ge=1)
    authors: int = Field(default=4, ge=1)
    families: int = Field(default=2, ge=1)


class Newsworthiness(BaseModel):
    """The least score of a topic's day for a story, and for a short dispatch (write/newsworthiness.py)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    story: float = Field(default=4.0, ge=0)
    dispatch: float = Field(default=2.5, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Newsworthiness:
        if self.dispatch > self.story:
            raise ValueError("dispatch must not need more than story")
        return self


class Publication(BaseModel):
    """The publication's name, label and thresholds. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1, max_length=60)
    tagline: str = ""
    base_url: HttpUrl
    language: str = "en"
    notice: str = ""
    ai_label: str = Field(min_length=10)
    window_days: int = Field(default=3, ge=1, le=14)
    evidence: Evidence = Evidence()
    newsworthiness: Newsworthiness = Newsworthiness()
    warm_up_days: int = Field(default=7, ge=0)
    synthesis_share: float = Field(default=0.4, ge=0, le=1)
    max_versions_per_day: int = Field(default=3, ge=1)
    web_pages_per_topic: int = Field(default=10, ge=0, le=50)
    max_cited_records: int = Field(default=24, ge=5, le=60)


def load_publication(path: Path | None = None) -> Publication:
    """Read the publication file, the packaged one by default. Raises ConfigError naming the file and the key."""
    path = path or Path(__file__).with_name("publication.yaml")
    try:
        return Publication.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such publication file; AIDRAN_PUBLICATION must name an existing file") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"{path}: {where}: {first['msg']}; compare it with the packaged publication.yaml") from error
