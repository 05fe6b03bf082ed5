"""Settings of the intake audit: limits with their source, and waivers by name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import Field

from domain.settings import Settings
from stores.settings_files import load_settings


class Limit(Settings):
    """A number that a finding is measured against, and who says so.

    Examples
    --------
    >>> Limit(value=0.9, source="a policy").value
    0.9
    """

    value: float
    source: str = Field(min_length=3)


class IntakeLimits(Settings):
    """Limits of the checks: shipped here, changed by ``configs/intake.yaml``, changed by a training config.

    Examples
    --------
    >>> IntakeLimits().leaked_auc.value
    0.9
    """

    leaked_auc: Limit = Limit(
        value=0.9,
        source="the project's design: an honest single column is far below; the best of the public sets here .7",
    )
    strong_auc: Limit = Limit(value=0.8, source="a convention of this project, half way from good (.7) to leaked (.9)")
    missing_auc: Limit = Limit(
        value=0.7, source="a convention of this project: being filled alone ranks as a good model"
    )
    pure_share: Limit = Limit(
        value=0.99, source="a convention of this project: what is filled in for one class only was filled in after it"
    )
    late_share: Limit = Limit(
        value=0.01, source="a convention of this project: one row in a hundred is no typing error"
    )
    twin_share: Limit = Limit(value=0.01, source="a convention of this project: one test row in a hundred")
    near_distance: Limit = Limit(
        value=0.02, source="a convention of this project: root mean square over columns, in standard deviations"
    )
    optimism: Limit = Limit(value=0.005, source="half a point of AUC: what challengers are commonly chosen by")
    permuted_auc: Limit = Limit(value=0.55, source="chance is .5; the margin is a convention of this project")
    moved_auc: Limit = Limit(
        value=0.7, source="a convention of this project: parts told apart as a good model tells risk"
    )
    unit_tolerance: Limit = Limit(
        value=0.1, source="a convention of this project: quartiles move by one known factor within a tenth"
    )
    one_value: Limit = Limit(value=0.999, source="a convention of this project: a thousandth of the rows differs")
    sentinel_share: Limit = Limit(value=0.002, source="a convention of this project: too often to be a typing error")
    benford_mad: Limit = Limit(
        value=0.015, source="Nigrini, Benford's Law (2012): mean absolute deviation of first digits above .015"
    )
    rate_jump: Limit = Limit(
        value=3.0, source="a convention of this project: the rate of events trebles or falls to a third"
    )
    expected_events: Limit = Limit(
        value=30, source="so many expected events do not fail to come by chance (Poisson, e^-30)"
    )


class Waiver(Settings):
    """One finding that somebody answers for until a date.

    Parameters
    ----------
    column : None for a finding that names no column. until : the last day it holds, UTC.
    """

    check: str = Field(min_length=3)
    column: str | None = None
    reason: str = Field(min_length=3)
    by: str = Field(min_length=1)
    until: date


class IntakeSettings(Settings):
    """``intake:`` of a training config.

    Examples
    --------
    >>> waiver = {"check": "leaked_column", "column": "x", "reason": "known then", "by": "lin", "until": "2027-01-31"}
    >>> IntakeSettings.model_validate({"waive": [waiver]}).waive[0].until.isoformat()
    '2027-01-31'
    """

    limits: IntakeLimits = IntakeLimits()
    waive: list[Waiver] = []

    def within(self, house: IntakeLimits) -> IntakeSettings:
        """The same, with the house's limits wherever these settings name none.

        Examples
        --------
        >>> own = IntakeSettings.model_validate({"limits": {"moved_auc": {"value": 0.75, "source": "this model"}}})
        >>> ours = Limit(value=0.65, source="our desk")
        >>> house = IntakeLimits(moved_auc=ours, leaked_auc=ours)
        >>> found = own.within(house).limits
        >>> found.moved_auc.value, found.leaked_auc.value, found.strong_auc.value
        (0.75, 0.65, 0.8)
        """
        named = {name: getattr(self.limits, name) for name in self.limits.model_fields_set}
        return self.model_copy(update={"limits": house.model_copy(update=named)})


def house_limits(configs: Path) -> IntakeLimits:
    """``intake.yaml`` of a folder of configs; as shipped where it has none or leaves a limit out.

    Examples
    --------
    >>> house_limits(Path("nowhere")) == IntakeLimits()
    True
    """
    path = configs / "intake.yaml"
    return load_settings(path, IntakeLimits) if path.is_file() else IntakeLimits()
