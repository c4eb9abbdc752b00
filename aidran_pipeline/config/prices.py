"""What a model's tokens cost, by day: the prices file. What is not in it is unknown, never free."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aidran_pipeline.config.publication import ConfigError

_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
MILLION = Decimal(1_000_000)


class Price(BaseModel):
    """USD per million tokens of one model on one server, from a day on. model "*": every model of that server."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    server: str = Field(min_length=1)
    model: str = Field(min_length=1)
    from_: date = Field(alias="from")
    input: Decimal = Field(ge=0)
    cached: Decimal | None = Field(default=None, ge=0)
    output: Decimal = Field(ge=0)

    def cost(self, input_tokens: int, cached_tokens: int, output_tokens: int) -> Decimal:
        """USD for a call; cached tokens are a part of the input tokens."""
        cached_tokens = min(cached_tokens, input_tokens)
        fresh = (input_tokens - cached_tokens) * self.input
        kept = cached_tokens * (self.input if self.cached is None else self.cached)
        return (fresh + kept + output_tokens * self.output) / MILLION

    def as_row(self) -> dict[str, Any]:
        """What is kept beside each cost."""
        cached = None if self.cached is None else str(self.cached)
        return {"from": self.from_.isoformat(), "input": str(self.input), "cached": cached, "output": str(self.output)}


class Prices(BaseModel):
    """The whole table."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    prices: tuple[Price, ...]

    def of(self, server: str, model: str, day: date) -> Price | None:
        """The price in force on a day; None when it is unknown.

        An entry for the very name goes before one for the name without its date ("gpt-5-2025-08-07"), that before "*".
        """
        names = (model, _DATED.sub("", model), "*")
        fitting = [p for p in self.prices if p.server == server and p.model in names and p.from_ <= day]
        return max(fitting, key=lambda price: (-names.index(price.model), price.from_), default=None)


def load_prices(path: Path | None = None) -> Prices:
    """Read the prices file, the packaged one by default. Raises ConfigError naming the file and the key."""
    path = path or Path(__file__).with_name("prices.yaml")
    try:
        return Prices.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such prices file; AIDRAN_PRICES must name an existing file") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"{path}: {where}: {first['msg']}; compare it with the packaged prices.yaml") from error
