"""Giving trials up: never what could still win by what was seen, and the same as the plain way of saying it."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.study_worker import run as search_valley
from training.mean_curve import calmed
from training.pruning import FEWEST, GRANTED, Course, Hopeless, Watch, checkpoints

ROUNDS = 12
CURVE = st.lists(st.floats(0, 1), min_size=ROUNDS, max_size=ROUNDS)
"""Figures after each round of one fold."""


def finished(folds: list[list[float]], patience: int = 1) -> Course:
    watch = Watch([], ROUNDS, within=True, patience=patience)
    for curve in folds:
        for number, value in enumerate(curve):
            watch.report(number, value)
        watch.end_fold(max(curve), last=False)
    return watch.course()


def plainly(earlier: list[list[list[float]]], mine: list[list[float]], patience: int) -> tuple[int, int] | None:
    """Fold and round at which the rule of the module's first lines gives the trial up, by the words alone."""
    for fold, curve in enumerate(mine):
        before = sum(max(each) for each in mine[:fold])
        ends = [sum(max(each) for each in other[: fold + 1]) / (fold + 1) for other in earlier]
        for number in (each for each in checkpoints(ROUNDS) if each + 1 >= patience):
            standing = (before + max(curve[: number + 1])) / (fold + 1)
            then = [
                (sum(max(each) for each in other[:fold]) + max(other[fold][: number + 1])) / (fold + 1)
                for other in earlier
            ]
            gains = [end - was for end, was in zip(ends, then, strict=True)]
            granted = sorted(gains)[math.ceil(GRANTED * (len(gains) - 1))]
            if standing + granted < statistics.median(ends) - 1e-12:
                return fold, number
        end = (before + max(curve)) / (fold + 1)
        if fold + 1 < len(mine) and end < statistics.median(ends) - 1e-12:
            return fold, ROUNDS
    return None


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(CURVE, min_size=2, max_size=2), min_size=FEWEST, max_size=14),
    st.lists(CURVE, min_size=2, max_size=2),
    st.sampled_from([1, 4]),
)
def test_a_trial_is_given_up_where_the_plain_rule_gives_it_up(
    earlier: list[list[list[float]]], mine: list[list[float]], patience: int
) -> None:
    watch = Watch([finished(each, patience) for each in earlier], ROUNDS, within=True, patience=patience)
    stopped = None
    for fold, curve in enumerate(mine):
        number = 0
        try:
            for number, value in enumerate(curve):
                watch.report(number, value)
            number = ROUNDS
            watch.end_fold(max(curve), last=fold + 1 == len(mine))
        except Hopeless:
            stopped = (fold, number)
            break
    calm = [[calmed(curve, patience).tolist() for curve in each] for each in [*earlier, mine]]
    assert stopped == plainly(calm[:-1], calm[-1], patience)


def test_few_or_no_earlier_trials_give_nobody_up() -> None:
    good = finished([[0.9] * ROUNDS, [0.9] * ROUNDS])
    for earlier in ([], [good] * (FEWEST - 1)):
        watch = Watch(earlier, ROUNDS, within=True)
        for number in range(ROUNDS):
            watch.report(number, 0.0)
        watch.end_fold(0.0, last=False)


def test_a_slow_learner_is_granted_what_slow_learners_gained() -> None:
    slow = [0.05 * (number + 1) for number in range(ROUNDS)]
    quick = [0.5] * ROUNDS
    with_slow = [finished([each]) for each in (quick, quick, quick, slow)]
    without = [finished([each]) for each in (quick, quick, quick, quick)]
    Watch(with_slow, ROUNDS, within=True).report(1, 0.1)
    with pytest.raises(Hopeless):
        Watch(without, ROUNDS, within=True).report(1, 0.1)
    Watch(without, ROUNDS, within=False).report(1, 0.1)


def test_a_fit_has_the_rounds_of_its_patience_before_it_is_given_up() -> None:
    earlier = [finished([[0.5] * ROUNDS], patience=5) for _ in range(FEWEST)]
    watch = Watch(earlier, ROUNDS, within=True, patience=5)
    for number in range(4):
        watch.report(number, 0.1)
    with pytest.raises(Hopeless, match="after 5 rounds"):
        watch.report(4, 0.1)


def test_a_search_that_gives_up_spends_less_and_chooses_the_same() -> None:
    plain = {"method": "random", "patience": 3}
    whole = search_valley(None, 40, budget=plain | {"pruning": "none"})
    folds = search_valley(None, 40, budget=plain | {"pruning": "folds"})
    rounds = search_valley(None, 40, budget=plain | {"pruning": "rounds"})
    assert dict(whole.params) == dict(folds.params) == dict(rounds.params)
    spent = [sum(trial["n_rounds"] for trial in found.trials) for found in (whole, folds, rounds)]
    assert spent[0] > spent[1] > spent[2]
    assert whole.count("pruned") == 0
    assert rounds.count("pruned") >= folds.count("pruned") > 0
    assert rounds.trials[0]["state"] == "complete"
