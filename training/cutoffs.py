"""Proposed cut-offs of the four grades, frozen on calibration data before the test is looked at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from domain.errors import DefinitionError, ModelError
from training.money_settings import Cutoffs
from training.stakes import Stakes
from training.thresholds import Ladder, cheapest

GRADES = ("attention", "warning", "high")


def choose_cutoffs(probability: np.ndarray, settings: Cutoffs, stakes: Stakes | None = None) -> dict[str, float]:
    """Calibrated probabilities from which each grade begins.

    Rows of equal probability get equal grades, so cut-offs lie between distinct probabilities; as a calibrator never
    falls with the raw score, the rows at or above one are the highest raw scores too.

    Parameters
    ----------
    probability : float64[n], of all traffic of the calibration period, labelled or not.
    stakes : labelled rows of that period with their costs, for cut-offs by cost.

    Raises
    ------
    DefinitionError
        When cut-offs by cost are asked for where no money is known.
    ModelError
        When the scores have too few distinct values to tell the grades apart.

    Examples
    --------
    >>> shares = Cutoffs(by="share", attention=0.5, warning=0.2, high=0.1, source="an example")
    >>> choose_cutoffs(np.arange(10) / 10, shares)
    {'attention': 0.5, 'warning': 0.8, 'high': 0.9}
    """
    wanted = [settings.attention, settings.warning, settings.high]
    if settings.by == "probability":
        return dict(zip(GRADES, wanted, strict=True))
    if settings.by == "cost":
        if stakes is None:
            raise DefinitionError(
                "cutoffs.by cost: expected payments with amounts, costs.actions and alert_budget, got none; "
                "give them, or use by: share"
            )
        return dict(zip(GRADES, cheapest_cutoffs(probability, settings, stakes), strict=True))
    falling = np.sort(probability)[::-1]
    chosen: list[float] = []
    # The highest first: calibration may flatten scores into steps, and a milder grade then takes the step below.
    for share in reversed(wanted):
        at = falling[max(0, round(share * len(falling)) - 1)]
        if chosen and at >= chosen[-1]:
            below = falling[falling < chosen[-1]]
            if len(below) == 0:
                raise ModelError(
                    f"cut-offs: expected scores that tell {len(GRADES)} grades apart, got "
                    f"{len(np.unique(probability))} distinct probabilities on {len(falling):,} rows; the model says "
                    "next to nothing: give it more features or more history"
                )
            at = below[0]
        chosen.append(float(at))
    return dict(zip(GRADES, reversed(chosen), strict=True))


def cheapest_cutoffs(probability: np.ndarray, settings: Cutoffs, stakes: Stakes) -> tuple[float, float, float]:
    """Cut-offs of the least cost on the labelled rows, while traffic keeps to the alert budget and the shares.

    The budget is kept on the average day of the period: a queue carries an alert over to a calmer day.
    """
    ladder = Ladder.of(stakes.probability)
    most = [share * len(probability) for share in (settings.attention, settings.warning, settings.high)]
    places = cheapest(
        ladder.sums(stakes.cost), ladder.above(probability), stakes.per_day * stakes.n_days, (most[0], most[1], most[2])
    )
    return ladder.cutoffs(places)


def grade_codes(probability: np.ndarray, cutoffs: Mapping[str, float]) -> np.ndarray:
    """0 normal, 1 attention, 2 warning, 3 high, int64[n]; a grade includes its cut-off.

    Examples
    --------
    >>> grade_codes(np.array([.1, .5, .95]), {"attention": .5, "warning": .8, "high": .9}).tolist()
    [0, 1, 3]
    """
    return np.searchsorted([cutoffs[grade] for grade in GRADES], probability, side="right")
