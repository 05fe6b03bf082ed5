"""Patterns of payments against slow, obviously right versions of them."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InputError
from scoring.flows.cycles import cycles
from scoring.flows.fan import fan_in, fan_out
from scoring.flows.graph import Flows
from scoring.flows.pass_through import pass_through
from scoring.flows.scores import PATTERNS, pattern_scores
from scoring.flows.settings import PatternSettings

N = 5
PAYMENTS = st.lists(
    st.tuples(st.integers(0, N - 1), st.integers(0, N - 1), st.integers(0, 12), st.integers(0, 9)), max_size=14
)


def flows_of(payments):
    return Flows.of(N, *([each[k] for each in payments] for k in range(4)))


def rows(flows):
    columns = (flows.source, flows.target, flows.time, flows.amount)
    return list(zip(*(each.tolist() for each in columns), strict=True))


@given(PAYMENTS, st.integers(1, 6))
def test_fans_are_those_of_a_loop(payments, window):
    flows = flows_of(payments)
    told = rows(flows)
    naive_in, naive_out = [0] * N, [0] * N
    for _, _, end, _ in told:
        inside = [row for row in told if end - window < row[2] <= end]
        for account in range(N):
            naive_in[account] = max(naive_in[account], len({row[0] for row in inside if row[1] == account}))
            naive_out[account] = max(naive_out[account], len({row[1] for row in inside if row[0] == account}))
    assert fan_in(flows, window).tolist() == naive_in
    assert fan_out(flows, window).tolist() == naive_out


@given(PAYMENTS, st.integers(1, 6), st.sampled_from([0.3, 0.8]))
def test_cycles_are_those_of_every_order_of_rows(payments, window, kept):
    flows = flows_of(payments)
    told = rows(flows)
    naive = set()
    for length in (2, 3, 4):
        for path in permutations(range(len(told)), length):
            steps = list(pairwise(path))
            if (
                path[0] == min(path)
                and all(told[a][1] == told[b][0] for a, b in steps)
                and told[path[-1]][1] == told[path[0]][0]
                and len({told[row][0] for row in path}) == length
                and all(told[a][2] <= told[b][2] for a, b in steps)
                and told[path[-1]][2] <= told[path[0]][2] + window
                and all(kept * told[a][3] <= told[b][3] <= told[a][3] / kept for a, b in steps)
            ):
                naive.add(path)
    assert set(cycles(flows, window, longest=4, kept=kept).found) == naive


@given(PAYMENTS, st.integers(1, 6))
def test_no_more_is_passed_on_than_came_in(payments, window):
    flows = flows_of(payments)
    passed = pass_through(flows, window)
    told = rows(flows)
    for account in range(N):
        received = sum(row[3] for row in told if row[1] == account)
        paid = sum(row[3] for row in told if row[0] == account)
        assert passed.received[account] == received
        assert 0 <= passed.passed[account] <= min(received, paid)


def test_money_that_waits_too_long_is_not_passed_on():
    flows = Flows.of(3, [0, 1, 0, 1], [1, 2, 1, 2], [0, 4, 10, 16], [100.0, 60.0, 100.0, 100.0])
    passed = pass_through(flows, 5)
    assert passed.passed.tolist() == [0.0, 60.0, 0.0]
    assert passed.n_passed.tolist() == [0, 1, 0]


def test_a_hub_is_cut_off_and_said_so():
    random = np.random.default_rng(3)
    n = 600
    flows = Flows.of(12, random.integers(0, 12, n).tolist(), random.integers(0, 12, n).tolist(), [1] * n, [1.0] * n)
    assert cycles(flows, 1, longest=6, kept=0.5).n_cut > 0


def test_accounts_that_do_not_exist_are_refused():
    with pytest.raises(InputError, match="accounts from 0 to 2"):
        Flows.of(3, [0], [3], [1], [1.0])
    with pytest.raises(InputError, match="one length"):
        Flows.of(3, [0, 1], [2], [1], [1.0])


def test_each_planted_pattern_ranks_first_and_its_control_does_not():
    random = np.random.default_rng(1)
    n, m = 200, 800
    ends = random.integers(0, n - 20, (m, 2))
    rows = [(int(a), int(b), int(t), float(x)) for (a, b), t, x in
            zip(ends, random.integers(0, 100, m), random.uniform(10, 500, m), strict=True)]  # fmt: skip
    rows += [(k, 190, 50, 40.0) for k in range(12)]  # gathers
    rows += [(191, k, 60, 40.0) for k in range(12)]  # scatters
    rows += [(k, 192, 70 + k, 100.0) for k in range(4)] + [(192, 193, 71 + k, 98.0) for k in range(4)]
    rows += [(194 + k, 194 + (k + 1) % 4, 20 + k, 100.0 - k) for k in range(4)]
    slow = [(k, 198, 8 * k, 40.0) for k in range(12)]  # as many payers, over the whole time
    flows = Flows.of(n, *([row[k] for row in rows + slow] for k in range(4)))
    settings = PatternSettings.model_construct(window=5, longest=5, kept=0.5, source="a test")
    scores = pattern_scores(flows, settings)
    assert set(scores) == {*PATTERNS, "together"}
    assert scores["fan_in"].argmax() == 190
    assert scores["fan_out"].argmax() == 191
    assert scores["pass_through"][192] > np.quantile(scores["pass_through"], 0.97)
    assert (scores["cycle"][194:198] > 0).all()
    assert scores["fan_in"][198] <= 2
