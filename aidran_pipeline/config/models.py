"""Settings of the model engine. They are part of `Settings`; nothing else reads them from the environment."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from aidran_pipeline.config.publication import ConfigError

Role = Literal["reader", "writer", "judge"]
_ALWAYS: tuple[Role, ...] = ("reader", "writer")
OPENAI = "https://api.openai.com/v1"


class ModelSettings(BaseSettings):
    """Which models write, on which server, and how much they may cost."""

    engine: Literal["extractive", "model"] = Field(default="extractive", validation_alias="AIDRAN_ENGINE")
    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str = Field(default=OPENAI, validation_alias="OPENAI_BASE_URL")
    model: str | None = Field(default=None, validation_alias="AIDRAN_MODEL")
    reader_model: str | None = Field(default=None, validation_alias="AIDRAN_READER_MODEL")
    writer_model: str | None = Field(default=None, validation_alias="AIDRAN_WRITER_MODEL")
    judge_model: str | None = Field(default=None, validation_alias="AIDRAN_JUDGE_MODEL")
    prices_file: Path | None = Field(default=None, validation_alias="AIDRAN_PRICES")
    edition_budget_usd: Decimal = Field(default=Decimal(5), ge=0, validation_alias="AIDRAN_EDITION_BUDGET_USD")
    edition_budget_tokens: int = Field(default=3_000_000, ge=0, validation_alias="AIDRAN_EDITION_BUDGET_TOKENS")
    day_budget_usd: Decimal = Field(default=Decimal(20), ge=0, validation_alias="AIDRAN_DAY_BUDGET_USD")
    day_budget_tokens: int = Field(default=12_000_000, ge=0, validation_alias="AIDRAN_DAY_BUDGET_TOKENS")
    model_concurrency: int = Field(default=4, ge=1, le=64, validation_alias="AIDRAN_MODEL_CONCURRENCY")
    model_deadline: float = Field(default=120, gt=0, le=3600, validation_alias="AIDRAN_MODEL_DEADLINE")

    @field_validator("model", "reader_model", "writer_model", "judge_model", "openai_api_key", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("openai_base_url", mode="before")
    @classmethod
    def _plain_address(cls, value: object) -> object:
        return str(value or "").strip().rstrip("/") or OPENAI

    def model_of(self, role: Role) -> str | None:
        """The model of a role: its own, else AIDRAN_MODEL; a judge only when AIDRAN_JUDGE_MODEL names one."""
        own = {"reader": self.reader_model, "writer": self.writer_model, "judge": self.judge_model}[role]
        return own if role == "judge" else own or self.model

    def require_models(self) -> None:
        """Raise ConfigError, naming variable and remedy, when AIDRAN_ENGINE=model cannot work as configured."""
        if self.engine != "model":
            return
        missing = [role for role in _ALWAYS if self.model_of(role) is None]
        if missing:
            raise ConfigError(
                f"AIDRAN_ENGINE=model needs a model for the {' and the '.join(missing)}: set AIDRAN_MODEL to its name "
                f"on the server (or AIDRAN_{missing[0].upper()}_MODEL), or unset AIDRAN_ENGINE"
            )
        parts = urlsplit(self.openai_base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ConfigError(
                "OPENAI_BASE_URL must be an address without a name or password in it, such as "
                "https://api.openai.com/v1 or http://127.0.0.1:8080/v1"
            )
        if self.openai_api_key is None and self.openai_base_url == OPENAI:
            raise ConfigError(
                "AIDRAN_ENGINE=model needs OPENAI_API_KEY for api.openai.com: set it, or set OPENAI_BASE_URL to a "
                "server that needs no key, or unset AIDRAN_ENGINE"
            )
