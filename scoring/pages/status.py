"""A statistic as a reviewer needs it: value, interval, size, threshold, where the threshold comes from, status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from pydantic import model_validator

from domain.bilingual import Sourced
from domain.settings import Settings
from scoring.pages.words import Say, Tongue, Words, minus, worded


class Status(StrEnum):
    """What a statistic says, mildest first."""

    NOT_ASSESSED = "not assessed"
    PASS = "pass"  # noqa: S105 - not a password
    AMBER = "amber"
    RED = "red"


class Limit(Settings):
    """What a statistic is held against, and who says so.

    Parameters
    ----------
    least, most : the limit. amber_least, amber_most : stricter ones, beyond which a value is amber.
    firm : judge the value alone, whatever its interval: for what is counted, not estimated.
    source : a norm, a paper, a person; in both languages where a page is read in both.
    """

    least: float | None = None
    most: float | None = None
    amber_least: float | None = None
    amber_most: float | None = None
    firm: bool = False
    source: Sourced

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("expected least or most, got neither")
        return self

    @property
    def told(self) -> Words:
        """The source, as pages say it."""
        return worded(self.source)

    def written(self, form: str) -> str:
        """As people read it; in brackets the stricter limit, beyond which a value is amber.

        Examples
        --------
        >>> Limit(least=0.8, most=1.25, source="ours").written(".2f")
        '≥ 0.80, ≤ 1.25'
        >>> Limit(most=0.25, amber_most=0.1, source="ours").written(".2f")
        '≤ 0.25 (0.10)'
        """
        bounds = (("≥", self.least, self.amber_least), ("≤", self.most, self.amber_most))
        stricter = ("" if amber is None else f" ({minus(f'{amber:{form}}')})" for _, _, amber in bounds)
        return ", ".join(
            f"{sign} {minus(f'{bound:{form}}')}{amber}"
            for (sign, bound, _), amber in zip(bounds, stricter, strict=True)
            if bound is not None
        )


@dataclass(frozen=True)
class Statistic:
    """One number of a report.

    Parameters
    ----------
    key : stable name in report.json, such as ``auc`` or ``psi.card_count_1d``.
    name : what people read.
    value : None where it is not assessed; ``note`` then says why.
    low, high : 95 % interval, where the statistic has one.
    n, n_events : rows, and positives among them.
    threshold : what it is held against, as people read it ("≥ 0.70"); empty where no limit is set.
    source : who set the threshold.
    form : how numbers are written, a format specification such as ``.3f``, ``.1%``, ``,.0f``. unit : after them.
    """

    key: str
    name: Words
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    n_events: int | None = None
    threshold: Words = ""
    source: Words = ""
    status: Status = Status.NOT_ASSESSED
    note: Words = ""
    form: str = ".3f"
    unit: Words = ""

    def held(self, limit: Limit | None) -> Statistic:
        """The statistic judged against a limit.

        Beyond the limit is red where the whole interval is (or there is none, or the limit is firm), amber where chance
        explains it; within the limit but beyond its stricter ``amber_`` one is amber too. Without a value or a limit
        nothing is assessed, and the note says so.

        Examples
        --------
        >>> auc = Statistic("auc", "AUC", 0.68, 0.64, 0.72, n=900, n_events=80)
        >>> [auc.held(Limit(least=least, source="ours")).status.value for least in (0.6, 0.7, 0.75)]
        ['pass', 'amber', 'red']
        """
        if limit is None:
            return self if self.note else replace(self, note=Say("page.no_limit"))
        told = replace(self, threshold=limit.written(self.form), source=limit.told)
        if self.value is None:
            return told
        low = self.value if limit.firm or self.low is None else self.low
        high = self.value if limit.firm or self.high is None else self.high
        below = limit.least is not None and self.value < limit.least
        above = limit.most is not None and self.value > limit.most
        if (limit.least is not None and below and high < limit.least) or (
            limit.most is not None and above and low > limit.most
        ):
            return replace(told, status=Status.RED)
        near = (limit.amber_least is not None and self.value < limit.amber_least) or (
            limit.amber_most is not None and self.value > limit.amber_most
        )
        return replace(told, status=Status.AMBER if below or above or near else Status.PASS)

    def as_dict(self, tongue: Tongue) -> dict[str, Any]:
        """As JSON, words in one language."""
        return {
            "key": self.key, "name": tongue(self.name), "value": self.value, "low": self.low, "high": self.high,
            "n": self.n, "n_events": self.n_events, "threshold": tongue(self.threshold), "source": tongue(self.source),
            "status": self.status.value, "note": tongue(self.note), "unit": tongue(self.unit),
        }  # fmt: skip


def not_assessed(key: str, name: Words, why: Words, *, n: int | None = None, n_events: int | None = None) -> Statistic:
    """A statistic without a value, and the reason."""
    return Statistic(key, name, None, n=n, n_events=n_events, note=why)


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of some statuses; not assessed when there are none.

    Examples
    --------
    >>> worst([Status.PASS, Status.NOT_ASSESSED]).value
    'pass'
    """
    order = list(Status)
    return max(statuses, key=order.index, default=Status.NOT_ASSESSED)


STATUS_WORDS = {each: Say(f"page.{each.name.lower()}") for each in Status}
"""How a status is said."""
