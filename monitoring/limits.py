"""Limits of the early warning (``configs/limits.yaml``): what raises, what clears, who answers, until when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from domain.bilingual import InBothLanguages, Owner, Sourced
from domain.decision import RiskGrade
from domain.errors import DefinitionError, expected_got
from domain.settings import Settings
from domain.time import Duration

Level = Literal["attention", "warning", "high"]
LEVELS: tuple[Level, ...] = ("attention", "warning", "high")
"""Levels of a breach, mildest first."""


class Rises(Settings):
    """From which value on each level is reached; a level that is left out is never reached."""

    attention: float | None = None
    warning: float | None = None
    high: float | None = None

    def given(self) -> tuple[tuple[RiskGrade, float], ...]:
        """Levels with their values, mildest first."""
        return tuple((RiskGrade(name), value) for name in LEVELS if (value := getattr(self, name)) is not None)


def _as_date(value: object) -> object:
    return date.fromisoformat(value) if isinstance(value, str) else value


class WarningLimit(Settings):
    """One limit on one indicator.

    Parameters
    ----------
    indicator : key of an indicator. where : the places it holds for, as a pattern (``channel=*``).
    direction : whether values above or below are bad.
    raise_ : written ``raise``; a value at a level has reached it.
    surely : judge the calm end of a reading's interval instead of its value: only what is surely beyond a level raises.
    clear : a breach ends once values are on the calm side of this; calmer than the mildest level, so that a value that
        goes to and fro does not raise again and again.
    after, clear_after : so many readings in a row before it is raised, and before it is cleared.
    owner : who must act. action : what to do. source : who says so.
    expires : from this day on the limit is itself a finding, until somebody looks at it again; it still raises.

    Examples
    --------
    >>> limit = WarningLimit.model_validate({
    ...     "indicator": "alert_rate", "raise": {"warning": 2, "high": 4}, "clear": 1.5, "owner": "desk",
    ...     "expires": "2027-06-30", "action": {"zh": "查明", "en": "look"}, "source": "an example",
    ... })
    >>> [limit.level(value).value for value in (1.9, 2.0, 5.0)], limit.calm(1.6), limit.calm(1.4)
    (['normal', 'warning', 'high'], False, True)
    """

    indicator: str
    where: str = "*"
    direction: Literal["above", "below"] = "above"
    raise_: Rises = Field(alias="raise")
    surely: bool = False
    clear: float
    after: int = Field(default=1, ge=1, le=31)
    clear_after: int = Field(default=1, ge=1, le=31)
    owner: Owner
    expires: Annotated[date, BeforeValidator(_as_date)]
    action: InBothLanguages
    source: Sourced

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        sign = 1 if self.direction == "above" else -1
        given = [sign * value for _, value in self.raise_.given()]
        if not given:
            raise ValueError("raise: expected at least one of attention, warning, high")
        if given != sorted(set(given)):
            raise ValueError(f"raise: expected each level further {self.direction} than the one before, got {given}")
        if not sign * self.clear < given[0]:
            raise ValueError(
                f"clear: expected a value calmer than the mildest level {sign * given[0]:g}, got {self.clear:g}"
            )
        return self

    def holds_for(self, where: str) -> bool:
        """Whether it judges a place."""
        return fnmatchcase(where, self.where)

    def judged(self, value: float, low: float | None, high: float | None) -> float:
        """The number that is held against the levels: the value, or the calm end of its interval."""
        end = low if self.direction == "above" else high
        return end if self.surely and end is not None else value

    def level(self, value: float) -> RiskGrade:
        """The worst level that a value has reached."""
        reached = RiskGrade.NORMAL
        for grade, bound in self.raise_.given():
            if value >= bound if self.direction == "above" else value <= bound:
                reached = grade
        return reached

    def calm(self, value: float) -> bool:
        """Whether a value is on the calm side of where a breach is cleared."""
        return value < self.clear if self.direction == "above" else value > self.clear


class FileSink(Settings):
    """Notes as lines of JSON, added to a file below the home."""

    path: str = Field(pattern=r"^[\w./-]+\.jsonl$")
    least: Level = "attention"


class WebhookSink(Settings):
    """Notes posted to an address.

    Parameters
    ----------
    name : stands in the record of what was delivered.
    address, secret : environment variables that hold them; without an address the sink is off. The body is signed with
        the secret.
    timeout : of one attempt. attempts : in one run; what fails is tried again in the next.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    address: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    secret: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    timeout: Duration
    attempts: int = Field(ge=1, le=10)
    least: Level = "warning"


class LimitSettings(Settings):
    """All limits, and where breaches of them are told.

    Parameters
    ----------
    heartbeat : the watch counts as stopped when it last ran longer ago than this.
    file : where notes are added. webhooks : where they are posted.
    limits : key → limit; the key names breaches.
    """

    heartbeat: Duration
    file: FileSink | None = None
    webhooks: tuple[WebhookSink, ...] = ()
    limits: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")], WarningLimit]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [sink.name for sink in self.webhooks]
        if len(set(names)) < len(names):
            raise ValueError(f"webhooks: expected each name once, got {names}")
        return self

    def refuse_unknown(self, known: frozenset[str]) -> None:
        """Refuse limits on what nobody reads.

        Raises
        ------
        DefinitionError
            Naming them.
        """
        unknown = sorted({limit.indicator for limit in self.limits.values()} - known)
        if unknown:
            raise DefinitionError(
                expected_got(f"indicators out of {', '.join(sorted(known))}", unknown, "configs/limits.yaml: limits")
            )
