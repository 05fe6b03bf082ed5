"""Structuring: planted cases are found, honest payments near a limit are not, and the p-value is what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monitoring.aml.legs import legs_of
from monitoring.aml.structuring import Structuring, structuring
from stores.database import Database
from stores.journal import Journal
from tests.monitoring.aml.world import UNTIL, Payments, at, payments, platform, settings


def look(events, folder: Path) -> tuple[Structuring, ...]:
    journal = Journal(Database(folder / "assay.db"), folder / "journal")
    journal.append(events)
    limits = settings().large_value
    legs = legs_of(journal, (), platform(), limits, {}, until=UNTIL)
    return structuring(legs, {}, limits, settings().structuring, platform().fx_table())


def honest(made: Payments, seed: int, n: int = 60) -> None:
    """Cash sums around the limit, spread evenly: below it as often as anywhere else."""
    random = np.random.default_rng(seed)
    for k in range(n):
        for _ in range(8):
            amount = int(random.integers(25_000_00, 75_000_00))
            day = int(random.integers(1, 31))
            made.pay(f"h{k}", "shop", amount, at(day, int(random.integers(9, 20))), channel="cash_agent")


def test_the_planted_one_is_found_and_nobody_else(tmp_path):
    found = [each for each in look(payments(), tmp_path / "a") if each.found]
    assert [(each.customer, each.rule, each.level) for each in found] == [("smurf", "cash", "payment")]
    assert (found[0].n, found[0].n_below, found[0].n_branches) == (8, 8, 3)
    assert found[0].low > found[0].expected
    assert not [each for each in look(payments(plant=False), tmp_path / "b") if each.found]


def test_sums_split_over_a_day_accounts_or_branches(tmp_path):
    for level, more in (
        ("day", lambda k, part: {"account": f"acc-x{part}", "terminal_id": f"b{part}"}),
        ("account_day", lambda k, part: {"account": f"acc-x{k % 2}", "terminal_id": f"b{part}"}),
        ("branch_day", lambda k, part: {"account": f"acc-x{part}", "terminal_id": f"b{k % 2}"}),
    ):
        made = Payments([])
        for day in range(6):
            for k in range(1 if level == "day" else 2):
                for part in range(3):
                    made.pay("x", "shop", 16_000_00, at(2 + 4 * day, 9 + 3 * k, part), channel="cash_agent",
                             **more(k, part))  # fmt: skip
        (found,) = (each for each in look(made.events, tmp_path / level) if each.found)
        assert found.level == level


def test_honest_people_are_found_no_more_often_than_stated(tmp_path):
    n_tested = n_small = n_found = 0
    for seed in range(4):
        made = Payments([])
        honest(made, seed)
        tested = [each for each in look(made.events, tmp_path / str(seed)) if each.rule == "cash"]
        n_tested += len(tested)
        n_small += sum(each.p <= 0.05 for each in tested)
        n_found += any(each.found for each in tested)
    assert n_tested == 240
    # A p-value of an honest person is below .05 in at most one of twenty; the sums here make it rarer still.
    assert n_small <= 0.05 * n_tested
    assert n_found <= 1


def test_a_crowd_that_all_stay_below_is_its_own_norm(tmp_path):
    """A price of 48,000 that everybody pays is no structuring by anybody."""
    made = Payments([])
    for k in range(30):
        for day in range(6):
            made.pay(f"p{k}", "shop", 48_000_00, at(2 + 4 * day), channel="cash_agent")
    assert not [each for each in look(made.events, tmp_path) if each.found]
