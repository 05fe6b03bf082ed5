"""A canary against the champion on other customers: the figures are a loop's, intervals keep their promise, a planted
difference shows and none does not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cli.main import main
from domain.decision import Action, Product
from domain.errors import DataError
from domain.events import Event
from domain.labels import FRAUD_POLICY
from domain.time import DAY, format_instant
from monitoring.canary_trial import Trial, ratio, trial
from monitoring.what_if.sides import ActionPrice, Prices
from scoring.released import Outcomes
from serving.canary import Lot
from tests.monitoring.world import ACTIONS, CANARY_MODEL, CUTOFFS, PLATFORM, START, Scale, World, make_world

SCALE = Scale(days=30, per_day=200, customers=900)
MATURE = 10 * DAY
UNTIL = START + SCALE.days * DAY
PRICES = Prices({Action.REVIEW: ActionPrice(0.9, 1_200, 500), Action.STEP_UP: ActionPrice(0.6, 5, 150)}, "an example")
FIRST = START + 3 * DAY
"""When the canary comes."""


def canary_of(customer: str) -> bool:
    """The lot the service draws, for nearly half of the customers."""
    event = Event("transaction", "e", 0, 0, {"customer_id": customer})
    return Lot(bytes(32), 0.45).falls_on(Product.PAYMENT, event, CANARY_MODEL)


def planted(better: float) -> Any:
    def plant(frame: pd.DataFrame) -> pd.DataFrame:
        drawn = frame["customer_id"].map(canary_of)
        # Before the canary came, its customers were the champion's.
        canary = drawn & (frame["event_time"] >= FIRST)
        rng = np.random.default_rng(3)
        # Now and then the canary was down, and a request names nobody.
        down = canary & (rng.random(len(frame)) < 0.08)
        nobody = ~drawn & (rng.random(len(frame)) < 0.08)
        # More fraud than usual, so that there is something to be told apart.
        fraud = frame["fraud"] | (rng.random(len(frame)) < 0.08)
        raw = frame["raw_score"] + (1.5 + better * (canary & ~down)) * fraud
        return frame.assign(
            fraud=fraud, raw_score=raw, canary=canary & ~down,
            customer_id=frame["customer_id"].where(~nobody, None),
        )  # fmt: skip

    return plant


def world_of(path: Path, better: float) -> World:
    return make_world(path, scale=SCALE, plant=planted(better))


@pytest.fixture(scope="module")
def better(tmp_path_factory: pytest.TempPathFactory) -> World:
    return world_of(tmp_path_factory.mktemp("better"), 1.2)


def tried(world: World, *, model: str | None = None, prices: Prices | None = PRICES, maturity: int = MATURE) -> Trial:
    return trial(
        Product.PAYMENT, world.ledger.read("payment", since=START, until=UNTIL), world.journal,
        Outcomes(world.journal.read("outcome"), None), model=model, labels=FRAUD_POLICY, maturity=maturity,
        as_of=UNTIL, platform=PLATFORM, prices=prices,
    )  # fmt: skip


def test_the_figures_are_those_of_a_loop(better: World) -> None:
    found = tried(better)
    frame = better.frame.copy()
    frame["action"] = [list(ACTIONS.values())[p] for p in np.searchsorted(CUTOFFS, frame["score"], side="right")]
    assert (found.canary, found.since) == (CANARY_MODEL, int(frame[frame["canary"]]["event_time"].min()))
    frame = frame[(frame["event_time"] >= found.since) & (frame["event_time"] < found.until)]
    assert found.n_nameless == int(frame["customer_id"].isna().sum()) > 0
    mixed = ~frame["canary"] & frame["customer_id"].isin(frame[frame["canary"]]["customer_id"])
    assert found.n_mixed == int(mixed.sum()) > 0
    frame = frame[frame["customer_id"].notna() & ~mixed]
    stopped, ripe = frame["action"] == Action.DECLINE, frame["event_time"] <= UNTIL - MATURE
    known = ripe & ~stopped
    for arm, mine in (("champion", ~frame["canary"]), ("canary", frame["canary"])):
        of = frame[mine]
        assert (found.n[arm], found.n_customers[arm]) == (len(of), of["customer_id"].nunique())
        assert found.blocked[arm] == int((stopped & mine).sum())
        assert found.labels[arm]["immature"] == int((mine & ~stopped & ~ripe).sum())
        expected = {f"{action.value}_rate": float((of["action"] == action).mean()) for action in ACTIONS.values()}
        expected["alert_rate"] = float((of["action"] != Action.APPROVE).mean())
        sure = frame[mine & known]
        expected["fraud_rate"] = float(sure["fraud"].mean())
        money = sure[sure["fraud"]]
        expected["value_caught_share"] = (
            money[money["action"] != Action.APPROVE]["amount"].sum() / money["amount"].sum()
        )
        lost = money[money["action"] == Action.APPROVE]["amount"].sum()
        expected["loss_rate"] = lost / frame[mine & ripe]["amount"].sum()
        for name, value in expected.items():
            assert found.figures[f"{arm}_{name}"].value == pytest.approx(value), name
    for name in ("alert_rate", "fraud_rate", "value_caught_share", "loss_rate", "cost_per_decision"):
        old, new, change = (found.figures[f"{side}_{name}"] for side in ("champion", "canary", "change"))
        assert change.value == pytest.approx(new.value - old.value)
        # Unpaired: what is not known of either arm adds up.
        half = [(each.high - each.low) / 2 for each in (old, new, change)]
        assert half[2] == pytest.approx(np.hypot(half[0], half[1]))


def test_a_better_canary_shows_and_an_equal_one_does_not(better: World, tmp_path: Path) -> None:
    figures = tried(better).figures
    assert figures["change_value_caught_share"].low > 0.05
    assert figures["change_loss_rate"].high < 0
    assert figures["change_cost_per_decision"].high < 0
    assert figures["change_decline_rate"].low > 0
    same = tried(world_of(tmp_path, 0.0)).figures
    changes = {name: each for name, each in same.items() if name.startswith("change_") and np.isfinite(each.low)}
    assert len(changes) >= 7
    # One in twenty may miss by chance alone.
    assert sum(each.low <= 0 <= each.high for each in changes.values()) >= len(changes) - 2


def test_intervals_keep_their_promise_although_customers_cluster() -> None:
    """95 in 100 hold what is true, where each customer's payments are alike; counted as if they were not, far fewer."""
    rng = np.random.default_rng(11)
    held, held_naive, truth, runs = 0, 0, 0.2, 600
    for _ in range(runs):
        sizes = rng.poisson(8, 300) + 1
        # Shares of customers around the truth, drawn apart from how many payments they make.
        shares = rng.beta(0.6, 2.4, len(sizes))
        who = np.repeat(np.arange(len(sizes)), sizes)
        part = (rng.random(len(who)) < shares[who]).astype(float)
        value, variance = ratio(part, np.ones(len(who)), who)
        held += abs(value - truth) <= 1.96 * np.sqrt(variance)
        held_naive += abs(value - truth) <= 1.96 * np.sqrt(value * (1 - value) / len(who))
    # Three standard errors of 600 runs around .95 are .923 to .977.
    assert 0.92 <= held / runs <= 0.98
    assert held_naive / runs < 0.85


def test_what_cannot_be_known_is_not_assessed(better: World, tmp_path: Path) -> None:
    found = tried(better, prices=None, maturity=SCALE.days * DAY)
    assert {"fraud_rate", "value_caught_share", "loss_rate", "cost_per_decision"} <= found.not_assessed.keys()
    assert not {name for name in found.figures if "fraud" in name or "cost" in name or "loss" in name}
    assert found.figures["change_alert_rate"].low < found.figures["change_alert_rate"].high
    with pytest.raises(DataError, match="canary: expected decisions of a canary out of"):
        tried(better, model="d" * 64)
    with pytest.raises(DataError, match=r"out of \[\] in the period, got None"):
        tried(make_world(tmp_path, scale=Scale(days=2)))
    # Where hardly anything happened a rate is told and no interval.
    assert np.isnan(ratio(np.array([1.0, 0, 0, 0, 0, 0, 0]), np.ones(7), np.arange(7))[1])


def test_at_the_prompt(better: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_CHAIN_KEY", "00" * 32)
    asked = ["--home", str(better.home.root), "--configs", str(better.configs), "challenger", "compare", "payment"]
    asked += ["--since", format_instant(START), "--until", format_instant(UNTIL), "--canary"]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["canary"], told["n"]["canary"]) == (CANARY_MODEL, int(better.frame["canary"].sum()))
    assert told["figures"]["change_value_caught_share"]["low"] > 0
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "different customers" in " ".join(said.split())
    assert "decisions of the champion on customers of the canary" in said
    assert main([*asked, "--model", "d" * 64]) == 3
