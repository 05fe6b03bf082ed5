"""Settings: one frozen model per station; nothing unknown is accepted."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.errors import InputError
from domain.money import FxTable
from domain.time import Duration, zone_of


class Settings(BaseModel):
    """Base of every station's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class PlatformSettings(Settings):
    """What every station must agree on (``configs/platform.yaml``). None of it has a default.

    ``fx`` maps a currency to dated rates in units of ``base_currency``.
    """

    base_currency: str = Field(pattern=r"^[A-Z]{3}$")
    time_zone: str
    max_lateness: Duration
    future_tolerance: Duration
    fx: dict[str, dict[str, str]]

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            zone_of(name)
        except InputError as error:
            raise ValueError(str(error)) from error
        return name

    @model_validator(mode="after")
    def _readable_rates(self) -> PlatformSettings:
        try:
            self.fx_table()
        except InputError as error:
            raise ValueError(str(error)) from error
        return self

    def fx_table(self) -> FxTable:
        """The dated rates as a table."""
        return FxTable.of(self.base_currency, self.fx)
