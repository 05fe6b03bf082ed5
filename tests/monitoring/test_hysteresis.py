"""Limits and turns: against a naive walk through the readings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.decision import RiskGrade
from monitoring.hysteresis import Turn, turn_of
from monitoring.limits import WarningLimit
from monitoring.reading import Reading, not_assessed

BASE = {
    "indicator": "x", "raise": {"attention": 2.0, "warning": 3.0, "high": 4.0}, "clear": 1.5, "owner": "desk",
    "expires": "2027-06-30", "action": {"zh": "查明", "en": "look"}, "source": "a test",
}  # fmt: skip


def limit(**changes: object) -> WarningLimit:
    return WarningLimit.model_validate({**BASE, **changes})


def walk(judged: WarningLimit, values: list[float | None]) -> list[tuple[int, Turn, RiskGrade]]:
    """Reading after reading, as the watch does it."""
    opened: RiskGrade | None = None
    since = 0
    found = []
    readings = [not_assessed("none") if value is None else Reading(value, 9) for value in values]
    for place in range(len(readings)):
        turned = turn_of(judged, readings[since : place + 1], opened)
        if turned is None:
            continue
        turn, level = turned
        found.append((place, turn, level))
        opened = None if turn is Turn.CLEARED else level
        if turn is Turn.CLEARED:
            since = place + 1
    return found


def naive(values: list[float | None], after: int, clear_after: int) -> list[tuple[int, str]]:
    """The same by counting: bad ones in a row raise, calm ones in a row clear."""
    bad = calm = 0
    opened = 0
    found = []
    for place, value in enumerate(values):
        if value is None:
            continue
        level = sum(value >= bound for bound in (2.0, 3.0, 4.0))
        bad = bad + 1 if level else 0
        calm = calm + 1 if value < 1.5 else 0
        if not opened and bad >= after:
            opened, calm = level, 0
            found.append((place, "raised"))
        elif opened and level > opened:
            opened = level
            found.append((place, "worse"))
        elif opened and calm >= clear_after:
            opened = bad = 0
            found.append((place, "cleared"))
    return found


values = st.lists(st.sampled_from([None, 1.0, 1.5, 1.9, 2.0, 2.9, 3.0, 4.0, 9.0]), max_size=30)


@given(values, st.integers(1, 3), st.integers(1, 3))
def test_turns_are_those_of_counting(chosen, after, clear_after):
    judged = limit(after=after, clear_after=clear_after)
    assert [(place, turn.value) for place, turn, _ in walk(judged, chosen)] == naive(chosen, after, clear_after)


def test_to_and_fro_raises_once():
    said = walk(limit(), [2.1, 1.9, 2.1, 1.9, 2.1, 1.6])
    assert [turn for _, turn, _ in said] == [Turn.RAISED]


def test_nothing_known_neither_raises_nor_clears():
    assert [place for place, _, _ in walk(limit(), [3.0, None, None, 1.0])] == [0, 3]


def test_what_chance_explains_does_not_raise():
    assert turn_of(limit(), [Reading(9.0, 4, within_chance=True)], None) is None


def test_below_is_the_mirror_of_above():
    judged = limit(direction="below", **{"raise": {"attention": -2, "warning": -3, "high": -4}}, clear=-1.5)
    mirrored = walk(judged, [-1.0, -2.0, -4.0, -1.6, -1.0])
    assert mirrored == walk(limit(), [1.0, 2.0, 4.0, 1.6, 1.0])


def test_surely_judges_the_calm_end_of_the_interval():
    unsure, sure = Reading(5.0, 3, low=1.0, high=9.0), Reading(5.0, 300, low=4.5, high=5.5)
    assert turn_of(limit(surely=True), [unsure], None) is None
    assert turn_of(limit(surely=True), [sure], None) == (Turn.RAISED, RiskGrade.HIGH)
    assert turn_of(limit(), [unsure], None) == (Turn.RAISED, RiskGrade.HIGH)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"raise": {}}, "expected at least one of attention, warning, high"),
        ({"raise": {"attention": 3, "warning": 2}}, "expected each level further above than the one before"),
        ({"clear": 2.0}, "expected a value calmer than the mildest level 2, got 2"),
        ({"direction": "below"}, "expected each level further below"),
        ({"expires": "someday"}, "Invalid isoformat"),
        ({"action": {"en": "look"}}, "zh"),
        ({"owner": ""}, "owner"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(changes, said):
    with pytest.raises(ValidationError, match=said):
        limit(**changes)


def test_a_pattern_names_its_places():
    judged = limit(where="channel=*")
    assert [judged.holds_for(place) for place in ("channel=qr", "", "region=east")] == [True, False, False]
