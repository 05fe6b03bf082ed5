"""Settings of the intake audit: limits with their source, and waivers by name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import Field

from domain.bilingual import InBothLanguages, Sourced
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
    source: Sourced


def _limit(value: float, *, zh: str, en: str) -> Limit:
    return Limit(value=value, source=InBothLanguages(zh=zh, en=en))


class IntakeLimits(Settings):
    """Limits of the checks: shipped here, changed by ``configs/intake.yaml``, changed by a training config.

    Examples
    --------
    >>> IntakeLimits().leaked_auc.value
    0.9
    """

    leaked_auc: Limit = _limit(
        0.9,
        zh="本项目设计：诚实的单列远低于此；本项目所用公开数据集中最高为0.7",
        en="the project's design: an honest single column is far below; the best of the public sets here .7",
    )
    strong_auc: Limit = _limit(
        0.8,
        zh="本项目约定：介于好（0.7）与泄漏（0.9）之间",
        en="a convention of this project, half way from good (.7) to leaked (.9)",
    )
    missing_auc: Limit = _limit(
        0.7,
        zh="本项目约定：仅是否有值就达到一个好模型的排序能力",
        en="a convention of this project: being filled alone ranks as a good model",
    )
    pure_share: Limit = _limit(
        0.99,
        zh="本项目约定：只为一类填写的内容，是在知道结果之后填写的",
        en="a convention of this project: what is filled in for one class only was filled in after it",
    )
    late_share: Limit = _limit(
        0.01,
        zh="本项目约定：百分之一的行不会是录入错误",
        en="a convention of this project: one row in a hundred is no typing error",
    )
    twin_share: Limit = _limit(
        0.01,
        zh="本项目约定：百分之一的测试行",
        en="a convention of this project: one test row in a hundred",
    )
    near_distance: Limit = _limit(
        0.02,
        zh="本项目约定：各列差值的均方根，以标准差计",
        en="a convention of this project: root mean square over columns, in standard deviations",
    )
    optimism: Limit = _limit(
        0.005,
        zh="半个百分点的AUC：挑战者常据此取舍",
        en="half a point of AUC: what challengers are commonly chosen by",
    )
    permuted_auc: Limit = _limit(
        0.55,
        zh="随机为0.5；余量为本项目约定",
        en="chance is .5; the margin is a convention of this project",
    )
    moved_auc: Limit = _limit(
        0.7,
        zh="本项目约定：两部分的可区分程度如同一个好模型区分风险",
        en="a convention of this project: parts told apart as a good model tells risk",
    )
    calendar_share: Limit = _limit(
        0.8,
        zh="本项目约定：同一时段的行在该列上几乎相同",
        en="a convention of this project: rows of one period are nearly alike in the column",
    )
    unit_tolerance: Limit = _limit(
        0.1,
        zh="本项目约定：四分位数按同一已知倍数移动，误差在十分之一以内",
        en="a convention of this project: quartiles move by one known factor within a tenth",
    )
    one_value: Limit = _limit(
        0.999,
        zh="本项目约定：千分之一的行不同",
        en="a convention of this project: a thousandth of the rows differs",
    )
    sentinel_share: Limit = _limit(
        0.002,
        zh="本项目约定：过于频繁，不会是录入错误",
        en="a convention of this project: too often to be a typing error",
    )
    benford_mad: Limit = _limit(
        0.015,
        zh="Nigrini，《Benford's Law》（2012）：首位数字平均绝对偏差高于0.015",
        en="Nigrini, Benford's Law (2012): mean absolute deviation of first digits above .015",
    )
    rate_jump: Limit = _limit(
        3.0,
        zh="本项目约定：事件比率升为三倍或降为三分之一",
        en="a convention of this project: the rate of events trebles or falls to a third",
    )
    expected_events: Limit = _limit(
        30,
        zh="这么多应有的事件不会偶然全部缺失（泊松，e^-30）",
        en="so many expected events do not fail to come by chance (Poisson, e^-30)",
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
