"""From readings to breaches: raised once, worse once, cleared once.

newest readings of one place, newest last, and the breach that is open (or none)  -->  at most one note

A reading without a value is no evidence of anything: it neither raises nor clears. A value that chance explains counts
as calm.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from domain.decision import RiskGrade
from monitoring.limits import WarningLimit
from monitoring.reading import Reading

_ORDER = list(RiskGrade)


class Turn(StrEnum):
    """What may happen to a breach; acknowledging is a person's."""

    RAISED = "raised"
    WORSE = "worse"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


def turn_of(
    limit: WarningLimit, readings: Sequence[Reading], open_at: RiskGrade | None
) -> tuple[Turn, RiskGrade] | None:
    """What the newest reading brings about, with the level; None where nothing changes.

    Parameters
    ----------
    readings : of one place since its last breach was cleared, oldest first; at least as many as ``after`` and
        ``clear_after`` ask for, where there are so many.
    open_at : the worst level of the open breach; None where none is open.

    Examples
    --------
    >>> limit = WarningLimit.model_validate({
    ...     "indicator": "x", "raise": {"attention": 2, "high": 4}, "clear": 1.5, "after": 2, "owner": "desk",
    ...     "expires": "2027-06-30", "action": {"zh": "查明", "en": "look"}, "source": "an example",
    ... })
    >>> one, three, five = (Reading(value, 9) for value in (1.0, 3.0, 5.0))
    >>> turn_of(limit, [one, three], None), turn_of(limit, [three, three], None)
    (None, (<Turn.RAISED: 'raised'>, <RiskGrade.ATTENTION: 'attention'>))
    >>> turn_of(limit, [three, five], RiskGrade.ATTENTION), turn_of(limit, [five, one], RiskGrade.HIGH)
    ((<Turn.WORSE: 'worse'>, <RiskGrade.HIGH: 'high'>), (<Turn.CLEARED: 'cleared'>, <RiskGrade.HIGH: 'high'>))
    """
    if not readings or readings[-1].value is None:
        return None
    told = [reading for reading in readings if reading.value is not None]
    newest = level_of(limit, told[-1])
    if open_at is None:
        last = told[-limit.after :]
        if len(last) == limit.after and all(level_of(limit, each) is not RiskGrade.NORMAL for each in last):
            return Turn.RAISED, newest
        return None
    if _ORDER.index(newest) > _ORDER.index(open_at):
        return Turn.WORSE, newest
    last = told[-limit.clear_after :]
    if len(last) == limit.clear_after and all(_is_calm(limit, each) for each in last):
        return Turn.CLEARED, open_at
    return None


def level_of(limit: WarningLimit, reading: Reading) -> RiskGrade:
    """The level that a reading has reached; normal where it has no value or chance explains it."""
    if reading.value is None or reading.within_chance:
        return RiskGrade.NORMAL
    return limit.level(limit.judged(reading.value, reading.low, reading.high))


def _is_calm(limit: WarningLimit, reading: Reading) -> bool:
    if reading.value is None:
        return False
    return reading.within_chance or limit.calm(limit.judged(reading.value, reading.low, reading.high))
