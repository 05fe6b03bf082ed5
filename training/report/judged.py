"""What a report says of each point, for a pipeline that must stop on red; and who answers for a red one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from domain.errors import InputError, ModelError, expected_got
from domain.settings import Settings
from scoring.pages.page import Finding, Page, Table
from scoring.pages.status import Status
from scoring.pages.words import Words
from stores.settings_files import read_yaml, settings_error
from training.report.front import DECISION, LIMITS


class ReportWaiver(Settings):
    """A red point that somebody answers for, until a date.

    Parameters
    ----------
    key : ``section.point``, as `assay validate` prints it.
    """

    key: str = Field(pattern=r"^[a-z_]+\..+$")
    reason: str = Field(min_length=3)
    by: str = Field(min_length=1)
    until: date


@dataclass(frozen=True)
class Point:
    """A statistic, a finding, or a judged table of a report.

    Parameters
    ----------
    key : ``section.point``. value, threshold : where it is a statistic.
    waiver : who answers for it; only where it is red.
    """

    key: str
    name: Words
    status: Status
    value: float | None = None
    threshold: Words = ""
    waiver: ReportWaiver | None = None

    @property
    def stops(self) -> bool:
        """Whether a pipeline must stop on it."""
        return self.status is Status.RED and self.waiver is None

    def as_dict(self) -> dict[str, Any]:
        """As JSON, without words."""
        return {
            "key": self.key, "status": self.status.value, "value": self.value, "threshold": str(self.threshold),
            "stops": self.stops,
            "waived": None if self.waiver is None else self.waiver.model_dump(mode="json"),
        }  # fmt: skip


def points(page: Page) -> tuple[Point, ...]:
    """Every judged point of a report, in its order; the first and the last section only repeat them."""
    return tuple(_points(page))


def _points(page: Page) -> Iterator[Point]:
    for section in page.sections:
        if section.key in (DECISION, LIMITS):
            continue
        for each in section.statistics:
            yield Point(f"{section.key}.{each.key}", each.name, each.status, each.value, each.threshold)
        for block in section.blocks:
            if isinstance(block, Finding):
                yield Point(f"{section.key}.{block.key}", block.words, block.status)
            elif isinstance(block, Table) and block.statuses:
                # Rows have no keys of their own; the table is as bad as its worst row.
                worst = max(block.statuses, key=list(Status).index)
                yield Point(f"{section.key}.{block.key}", block.title, worst)


def read_waivers(path: Path) -> tuple[ReportWaiver, ...]:
    """Waivers from a YAML list of key, reason, by, until.

    Raises
    ------
    DefinitionError
        Naming the file, each wrong field, what was expected and what came.
    InputError
        When a key is waived twice.
    """
    try:
        read = TypeAdapter(tuple[ReportWaiver, ...]).validate_python(read_yaml(path) or ())
    except ValidationError as error:
        raise settings_error(str(path), error) from error
    keys = [waiver.key for waiver in read]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise InputError(expected_got("each key once", ", ".join(twice), str(path)))
    return read


def refuse_own(waivers: Sequence[ReportWaiver], trainer: str) -> None:
    """Nobody answers for a model of their own.

    Raises
    ------
    ModelError
        When the one who trained the model would waive.
    """
    own = [waiver.key for waiver in waivers if waiver.by.strip().casefold() == trainer.strip().casefold()]
    if own:
        raise ModelError(f"waivers: expected somebody other than the trainer, got {trainer!r} for {', '.join(own)}")


def waive(
    found: Sequence[Point], waivers: Sequence[ReportWaiver], today: date, trainer: str
) -> tuple[tuple[Point, ...], tuple[str, ...]]:
    """The points with the waivers that hold for them, and a line for each waiver that does not.

    Raises
    ------
    ModelError
        When the one who trained the model would waive.

    Examples
    --------
    >>> red = Point("discrimination.auc", "AUC", Status.RED, 0.6)
    >>> told = ReportWaiver(key=red.key, reason="a pilot", by="wang", until=date(2027, 1, 31))
    >>> [waive([red], [told], today, "lin")[0][0].stops for today in (date(2027, 1, 31), date(2027, 2, 1))]
    [False, True]
    """
    refuse_own(waivers, trainer)
    valid = {waiver.key: waiver for waiver in waivers if today <= waiver.until}
    made = []
    for point in found:
        waiver = valid.pop(point.key, None) if point.status is Status.RED else None
        made.append(point if waiver is None else Point(**{**vars(point), "waiver": waiver}))
    expired = [f"{waiver.key}: expired on {waiver.until}" for waiver in waivers if today > waiver.until]
    return tuple(made), (*expired, *(f"{key}: nothing red needs this waiver" for key in valid))
