"""A what-if against the slow, obviously right way: each decision made again by `decide`, each figure by a loop."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from domain.decision import ACTIONS, Action, Product
from domain.errors import DataError
from domain.events import Event
from domain.labels import FRAUD_POLICY
from domain.time import DAY
from monitoring.by_day import Days
from monitoring.chunk import Chunker
from monitoring.what_if.hindsight import Hindsight
from monitoring.what_if.rejudge import MODEL, Rejudge
from monitoring.what_if.report import WhatIf, measure
from monitoring.what_if.sides import ActionPrice, Prices
from scoring.decide import Degraded, Part, decide
from scoring.lists import Lists, ListSettings
from scoring.policy import Policy
from scoring.record import entry_of
from scoring.released import Outcomes
from scoring.replay import Replayer
from stores.ledger import Entry
from tests.scoring.bundles import application, payment, platform, policy, requests
from tests.scoring.desk import AT, Desk, desk_in
from tests.scoring.test_lists import entry
from tests.scoring.test_policy import shipped

PAYMENT, LOAN = Product.PAYMENT, Product.LOAN
N_DAYS, PER_DAY, MATURE = 10, 24, 3 * DAY
PRICES = Prices(
    {
        Action.STEP_UP: ActionPrice(0.6, 5, 150),
        Action.REVIEW: ActionPrice(0.9, 1_200, 500),
        Action.DECLINE: ActionPrice(1.0, 0, 3_000),
    },
    "an example",
)
LISTED = Lists(
    ListSettings.model_validate(
        {
            "version": "1",
            "entries": [
                entry(namespace="merchant", value="m1"),
                entry(list="allow", namespace="merchant", value="m2"),
                entry(list="watch", namespace="merchant", value="m3"),
            ],
        }
    )
)
CASES = ("plain", "plain", "plain", "no model", "no features", "no reasons", "kill switch", "no rules")


def made(desk: Desk, product: Product, event: Event, number: int, case: str, old: Policy) -> Entry:
    """One decision as serving makes and keeps it, at the event's own time."""
    bundle = None if case == "no model" else desk.bundles[product]
    used = old.bound(None if bundle is None else bundle.encoder.names)
    row = None
    if bundle is not None and case != "no features":
        row = bundle.encoder.matrix(requests(product))[number % 600]
    degraded = {
        "no reasons": Degraded(Part.REASONS, "deadline of 20 ms"),
        "kill switch": Degraded(Part.MODEL, "kill switch"),
        "no features": Degraded(Part.FEATURES, "the state failed"),
        "no rules": Degraded(Part.RULES, "the rules are too slow"),
    }.get(case)
    with desk.journal.database.transaction():
        (appended,) = desk.journal.append_within([event])
        event = event.numbered(appended.seq)
        decided = decide(
            product, event, row, bundle, used, LISTED, decision_id=f"d{number}", decided_at=event.event_time + 7,
            code="0.1.0", degraded=degraded,
        )  # fmt: skip
        kept = entry_of(decided, event, product, row, {})
        desk.ledger.put_artifact_within("policy", used.content)
        desk.ledger.put_artifact_within("lists", LISTED.content)
        desk.ledger.append_within([kept])
    return kept


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return two_weeks(tmp_path_factory.mktemp("desk"))


def two_weeks(folder: Path) -> Desk:
    """Two weeks of payments and some loans, with the outcomes of the payments, told late."""
    found = desk_in(folder)
    found.journal.database.execute("PRAGMA synchronous=OFF")
    rng = np.random.default_rng(3)
    start = AT - AT % DAY
    outcomes = []
    for number in range(N_DAYS * PER_DAY):
        at = start + number * (DAY // PER_DAY)
        body = {
            "amount": int(np.exp(rng.normal(10, 2))) + 1,
            "currency": "USD" if rng.random() < 0.1 else "CNY",
            "merchant_id": f"m{int(rng.integers(1, 30))}",
            "auth_method": str(rng.choice(["none", "otp", "password"])),
        }
        event = replace(payment(**body), event_id=f"e{number}", event_time=at, known_at=at, client="shop", seq=0)
        kept = made(found, PAYMENT, event, number, CASES[number % len(CASES)], policy(PAYMENT, None))
        code = None
        if kept.action == "step_up" and rng.random() < 0.3:
            code = "step_up_failed"
        elif rng.random() < 0.25:
            code = str(rng.choice(["confirmed_fraud", "chargeback_dispute", "first_party", "declined"]))
        if code is not None:
            late = at + int(rng.integers(1, 6 * DAY))
            outcomes.append(
                Event("outcome", f"o{number}", late, late, {
                    "subject_event_id": f"e{number}", "subject_kind": "transaction", "subject_time": at, "code": code,
                }, "issuer")
            )  # fmt: skip
    found.journal.append(outcomes)
    for number in range(1_000, 1_060):
        at = start + (number - 1_000) * (DAY // 6)
        body = {"amount": int(rng.integers(100_000, 9_000_000)), "income_monthly": int(rng.integers(0, 2_000_000))}
        event = replace(application(**body), event_id=f"a{number}", event_time=at, known_at=at, client="shop", seq=0)
        made(found, LOAN, event, number, CASES[number % len(CASES)], policy(LOAN, None))
    return found


def stricter(product: Product, **more: Any) -> dict[str, Any]:
    rules = shipped(product)["rules"]
    if product is LOAN:
        cuts = {"attention": 0.1, "warning": 0.3, "high": 0.5}
        return {"version": "new", "cutoffs": cuts, "rules": {**rules, **more}}
    return {
        "version": "new",
        "cutoffs": {"attention": 0.15, "warning": 0.45, "high": 0.5},
        "rules": {
            **rules,
            "amount_cap": {"outcome": "review", "above": "1000.00 CNY"},
            "failed_authentications": {"outcome": "step_up", "optional": True, "failed": "amount", "at_least": 60},
            **more,
        },
    }


def replays(desk: Desk, product: Product) -> list[tuple[Any, Any]]:
    replayer = Replayer(desk.ledger, desk.journal, desk.folder / "bundles")
    kept = desk.ledger.read(product.value)
    return [(row, replayer.cited(row["decision_id"])) for row in kept.to_pylist()]


def naive(cited: Any, new: Policy) -> Action:
    """The whole decision once more under another policy."""
    body = cited.body
    bundle = cited.bundle
    return decide(
        new.product, cited.event, cited.row, bundle, new.bound(None if bundle is None else bundle.encoder.names),
        cited.lists, decision_id="x", decided_at=cited.entry.decided_at, code="c",
        degraded=Degraded.parse(body["degraded"]) if body["degraded"] else None,
    ).decision.action  # fmt: skip


@pytest.mark.parametrize("product", list(Product))
def test_each_decision_is_what_decide_makes_of_it(desk: Desk, product: Product) -> None:
    changes = stricter(product)
    new = policy(product, None, changes)
    history = Rejudge(new, desk.ledger, desk.journal, desk.folder / "bundles").history(0, 2**60)
    pairs = replays(desk, product)
    assert [row.decision_id for row in history.rows] == [kept["decision_id"] for kept, _ in pairs]
    silenced = {}
    for name in new.settings.rules:
        off = {**changes["rules"], name: {**changes["rules"][name], "enabled": False}}
        silenced[name] = policy(product, None, {**changes, "rules": off})
    moved = 0
    for row, (kept, cited) in zip(history.rows, pairs, strict=True):
        assert (row.old.value, row.new) == (kept["action"], naive(cited, new)), row.decision_id
        moved += row.old is not row.new
        for name in row.spoke:
            if name != MODEL:
                assert row.without[name] is naive(cited, silenced[name]), (row.decision_id, name)
        # Of the silent ones a sample: they change nothing.
        for name in sorted(set(new.settings.rules) - set(row.spoke))[row.seq % 5 :: 5]:
            assert naive(cited, silenced[name]) is row.new
    assert moved > 2


def figures(desk: Desk, changes: dict[str, Any], **how: Any) -> tuple[WhatIf, Any]:
    new = policy(PAYMENT, None, changes)
    rejudge = Rejudge(new, desk.ledger, desk.journal, desk.folder / "bundles")
    since, until = AT - AT % DAY, AT - AT % DAY + N_DAYS * DAY
    history = rejudge.history(since, until)
    found = measure(
        history, Outcomes(desk.journal.read("outcome"), None), PAYMENT, labels=FRAUD_POLICY, maturity=MATURE,
        as_of=until, chunker=Chunker("day", "UTC"), since=since, until=until, currency="CNY", prices=PRICES,
        about={"old_policies": {}, "policy": new.hash, "version": "new", "resting": rejudge.resting}, **how,
    )  # fmt: skip
    return found, history


def cheapest(priced: list[tuple[float, list[float]]]) -> float:
    """Every choice of three cut-offs among some tried, and the ends: no better one may be found."""
    scores = sorted({score for score, _ in priced})
    tried = [*scores[:: max(1, len(scores) // 14)], 2.0]
    found = Hindsight.of(np.array([s for s, _ in priced]), np.array([c for _, c in priced])).cheapest(
        np.ones(len(priced))
    )
    least = min(
        sum(costs[(score >= a) + (score >= b) + (score >= c)] for score, costs in priced)
        for a, b, c in itertools.combinations_with_replacement(tried, 3)
    )
    assert found <= least + 1e-9
    return found


def test_the_cheapest_cut_offs_are_found_by_trying_all_of_them() -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        scores = rng.integers(0, 6, 12).astype(float)
        costs = rng.normal(0, 1, (12, 4))
        weight = rng.integers(0, 3, 12).astype(float)
        least = min(
            sum(w * c[int(s >= i) + int(s >= j) + int(s >= k)] for s, c, w in zip(scores, costs, weight, strict=True))
            for i, j, k in itertools.combinations_with_replacement([*range(7)], 3)
        )
        assert Hindsight.of(scores, costs).cheapest(weight) == pytest.approx(least)


def test_every_figure_is_what_a_loop_adds_up(desk: Desk) -> None:
    found, history = figures(desk, stricter(PAYMENT))
    until = AT - AT % DAY + N_DAYS * DAY
    told: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    failed = set()
    for row in desk.journal.read("outcome").to_pylist():
        if row["known_at"] <= until:
            told[row["subject_event_id"]].append((row["known_at"], row["seq"], row["code"]))
            if row["code"] == "step_up_failed":
                failed.add(row["subject_event_id"])
    order = [action.value for action in ACTIONS[PAYMENT]]
    sums: dict[str, float] = defaultdict(float)
    matrix: dict[tuple[str, str], int] = defaultdict(int)
    priced: list[tuple[float, list[float]]] = []
    rules: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    blocked = {"n": 0, "value": 0.0}
    for row in history.rows:
        event = desk.journal.get(row.seq)
        money = platform().fx_table().to_base(event.body["amount"], event.body["currency"], event.event_time) / 100
        verdict = FRAUD_POLICY.settle(told[event.event_id])
        label = "negative" if verdict is None else verdict.value
        young = event.event_time > until - MATURE
        stopped = row.old is Action.DECLINE or event.event_id in failed or label == "censored"
        matrix[row.old.value, row.new.value] += 1
        sums["old_alerts"] += row.old is not Action.APPROVE
        sums["new_alerts"] += row.new is not Action.APPROVE
        if stopped:
            blocked["n"] += 1
            blocked["value"] += money
        known = not stopped and not young and label in ("positive", "negative")
        fraud = known and label == "positive"
        for side, action in (("old", row.old), ("new", row.new)):
            if fraud:
                sums[f"{side}_caught"] += money * (action is not Action.APPROVE)
            if known:
                sums[f"{side}_false"] += (not fraud) and action is not Action.APPROVE
                prices = {}
                for each in order:
                    price = PRICES.actions.get(Action(each), ActionPrice(0.0, 0, 0))
                    lost = (1 - price.catches) * money if fraud else price.friction / 100
                    prices[each] = lost + price.each / 100
                sums[f"{side}_cost"] += prices[action.value]
                if row.score is not None:
                    sums[f"{side}_scored_cost"] += prices[action.value]
        if known and row.score is not None:
            priced.append((row.score, [prices[each.value] for each in row.by_grade]))
        sums["fraud"] += money * fraud
        for name in row.spoke:
            line = rules[name]
            line[0] += 1
            line[1] += row.without[name] is not row.new
            caught = fraud and row.new is not Action.APPROVE
            line[2] += caught
            line[3] += caught and row.without[name] is Action.APPROVE
    got = found.figures
    assert got["old_alerts_per_day"].value == pytest.approx(sums["old_alerts"] / N_DAYS)
    assert got["new_alerts_per_day"].value == pytest.approx(sums["new_alerts"] / N_DAYS)
    assert got["fraud_value"].value == pytest.approx(sums["fraud"])
    for side in ("old", "new"):
        assert got[f"{side}_value_caught"].value == pytest.approx(sums[f"{side}_caught"])
        assert got[f"{side}_value_caught_share"].value == pytest.approx(sums[f"{side}_caught"] / sums["fraud"])
        assert got[f"{side}_false_alarms_per_day"].value == pytest.approx(sums[f"{side}_false"] / N_DAYS)
        assert got[f"{side}_cost"].value == pytest.approx(sums[f"{side}_cost"])
        assert got[f"{side}_regret"].value == pytest.approx(sums[f"{side}_scored_cost"] - cheapest(priced))
    assert got["new_regret"].value >= 0
    for name in ("alerts_per_day", "value_caught", "cost", "false_alarms_per_day"):
        change = got[f"change_{name}"]
        assert change.value == pytest.approx(got[f"new_{name}"].value - got[f"old_{name}"].value)
        assert change.low <= change.value <= change.high
    assert {(a, b): n for a, line in found.matrix.items() for b, n in line.items() if n} == dict(matrix)
    assert (found.blocked["n"], found.blocked["value"]) == (blocked["n"], pytest.approx(blocked["value"]))
    assert sum(found.blocked["new_actions"].values()) == blocked["n"] > 10
    assert "blocked_traffic" in found.not_assessed
    assert {e.name: [e.hits, e.moved, e.caught, e.unique] for e in found.rules} == dict(rules)
    assert sum(e.unique for e in found.rules) > 0
    spoke = [set(row.spoke) for row in history.rows]
    for a in rules:
        for b in rules:
            assert found.overlap[a][b] == sum(a in each and b in each for each in spoke)
    assert json.loads(msgspec.json.encode(found.as_dict()))["n"] == len(history.rows)


def test_the_same_policy_changes_nothing(desk: Desk) -> None:
    found, _ = figures(desk, {})
    moved = {(a, b): n for a, line in found.matrix.items() for b, n in line.items() if a != b and n}
    assert not moved
    for name, estimate in found.figures.items():
        if name.startswith("change_"):
            assert (estimate.value, estimate.low, estimate.high) == (0.0, 0.0, 0.0)


def test_without_frauds_or_prices_nothing_is_made_up(desk: Desk) -> None:
    new = policy(PAYMENT, None)
    history = Rejudge(new, desk.ledger, desk.journal, desk.folder / "bundles").history(0, 2**60)
    nothing = Outcomes(desk.journal.read("outcome").slice(0, 0), None)
    since = AT - AT % DAY
    about = {"old_policies": {}, "policy": "p", "version": "v"}
    found = measure(
        history, nothing, PAYMENT, labels=FRAUD_POLICY, maturity=MATURE, as_of=since + N_DAYS * DAY,
        chunker=Chunker("day", "UTC"), since=since, until=since + N_DAYS * DAY, currency="CNY", prices=None,
        about=about,
    )  # fmt: skip
    assert {"value_caught", "cost"} <= found.not_assessed.keys()
    assert not {name for name in found.figures if "value" in name or "cost" in name}
    with pytest.raises(DataError, match="decisions in the period"):
        measure(
            replace(history, rows=()), nothing, PAYMENT, labels=FRAUD_POLICY, maturity=MATURE, as_of=since,
            chunker=Chunker("day", "UTC"), since=since, until=since + DAY, currency="CNY", prices=None, about=about,
        )  # fmt: skip


def test_a_bundle_that_is_gone_leaves_its_decisions_out_and_says_so(desk: Desk, tmp_path: Path) -> None:
    history = Rejudge(policy(PAYMENT, None), desk.ledger, desk.journal, tmp_path).history(0, 2**60)
    n = desk.ledger.read("payment").num_rows
    (why, left) = next(iter(history.left_out.items()))
    assert "is gone or altered" in why
    # What no model decided can still be judged.
    assert (left + len(history.rows), len(history.rows)) == (n, n // len(CASES))


def test_intervals_by_day_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(8)
    inside = 0
    for trial in range(300):
        per_day = rng.poisson(20, 60) * rng.choice([1.0, 3.0], 60)
        found = Days.of(60, n_draws=300, seed=trial).mean(per_day)
        inside += found.low <= 40.0 <= found.high
    assert 0.89 <= inside / 300 <= 0.985
    one = Days.of(1, n_draws=10, seed=1).mean(np.array([4.0]))
    assert (one.value, np.isnan(one.low)) == (4.0, True)
