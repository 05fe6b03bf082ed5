"""A challenger against the champion: the figures are scikit-learn's, equals are equal, and a better one shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from cli.main import main
from domain.decision import Action, Product
from domain.errors import DataError
from domain.labels import FRAUD_POLICY
from domain.time import DAY, format_instant
from monitoring.challenger import Contest, contest
from monitoring.what_if.sides import ActionPrice, Prices
from scoring.released import Outcomes
from stores.shadow import ShadowScore, ShadowStore
from tests.monitoring.world import ACTIONS, CUTOFFS, PLATFORM, START, Scale, World, make_world

SCALE = Scale(days=30, per_day=120)
MATURE = 10 * DAY
UNTIL = START + SCALE.days * DAY
NEW = "c" * 64
PRICES = Prices({Action.REVIEW: ActionPrice(0.9, 1_200, 500), Action.STEP_UP: ActionPrice(0.6, 5, 150)}, "an example")

Plant = Callable[[pd.DataFrame], np.ndarray]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    def some_are_stopped(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(raw_score=np.where(np.arange(len(frame)) % 60 == 0, 1.5, frame["raw_score"]))

    return make_world(tmp_path_factory.mktemp("world"), scale=SCALE, plant=some_are_stopped)


def shadowed(world: World, path: Path, raw: Plant) -> ShadowStore:
    """What a challenger with these raw scores would have left behind."""
    frame = world.frame
    seqs = dict(zip(*(world.ledger.read("payment")[name].to_pylist() for name in ("decision_id", "seq")), strict=True))
    store = ShadowStore(path)
    scores = []
    for name, at, value in zip(frame["event_id"], frame["event_time"], raw(frame), strict=True):
        score = 1 / (1 + np.exp(-value))
        action = list(ACTIONS.values())[int(np.searchsorted(CUTOFFS, score, side="right"))]
        decision = f"d-{name}"
        scores.append(
            ShadowScore(NEW, decision, "payment", seqs[decision], int(at), float(value), float(score), "normal",
                        action.value, "p", 100)
        )  # fmt: skip
    store.keep(NEW, scores, {"queue": 3})
    return store


def compared(world: World, store: ShadowStore, *, prices: Prices | None = PRICES, maturity: int = MATURE) -> Contest:
    return contest(
        Product.PAYMENT, world.ledger.read("payment", since=START, until=UNTIL), store.read(NEW), world.journal,
        Outcomes(world.journal.read("outcome"), None),
        skipped=store.skipped(NEW), labels=FRAUD_POLICY, maturity=maturity, as_of=UNTIL, since=START, until=UNTIL,
        platform=PLATFORM, prices=prices, n_draws=200,
    )  # fmt: skip


def noisy(frame: pd.DataFrame) -> np.ndarray:
    return frame["raw_score"].to_numpy() + np.random.default_rng(4).normal(0, 0.7, len(frame))


def test_the_figures_are_those_of_scikit_learn_and_of_a_loop(world: World, tmp_path: Path) -> None:
    found = compared(world, shadowed(world, tmp_path / "shadow.db", noisy))
    frame = world.frame.assign(new=noisy(world.frame))
    frame["old_action"] = [list(ACTIONS.values())[p] for p in np.searchsorted(CUTOFFS, frame["score"], side="right")]
    mature = frame["event_time"] <= UNTIL - MATURE
    stopped = frame["old_action"] == Action.DECLINE
    known = frame[mature & ~stopped]
    for side, column in (("champion", "raw_score"), ("challenger", "new")):
        assert found.figures[f"{side}_auc"].value == pytest.approx(roc_auc_score(known["fraud"], known[column]))
        assert found.figures[f"{side}_average_precision"].value == pytest.approx(
            average_precision_score(known["fraud"], known[column])
        )
    caught = known[known["fraud"] & (known["old_action"] != Action.APPROVE)]
    assert found.figures["champion_value_caught"].value == pytest.approx(caught["amount"].sum() / 100)
    assert found.figures["champion_alerts_per_day"].value == pytest.approx(
        (frame["old_action"] != Action.APPROVE).sum() / SCALE.days
    )
    assert (found.n, found.n_decided, found.blocked["n"]) == (len(frame), len(frame), int(stopped.sum()))
    assert found.labels["immature"] == int((~mature & ~stopped).sum())
    assert (found.skipped, found.challenger, found.took_us) == ({"queue": 3}, NEW, {"p50": 100.0, "p99": 100.0})
    for name in ("auc", "average_precision", "cost", "alerts_per_day"):
        change = found.figures[f"change_{name}"]
        sides = [found.figures[f"{side}_{name}"].value for side in ("challenger", "champion")]
        assert change.value == pytest.approx(sides[0] - sides[1])
        assert change.low <= change.value <= change.high
    # Paired: the difference is known better than either side.
    auc = found.figures["champion_auc"]
    apart = found.figures["change_auc"]
    assert apart.high - apart.low < auc.high - auc.low


def test_equals_are_equal(world: World, tmp_path: Path) -> None:
    found = compared(world, shadowed(world, tmp_path / "shadow.db", lambda frame: frame["raw_score"].to_numpy()))
    changes = [each for name, each in found.figures.items() if name.startswith("change_")]
    assert len(changes) > 5
    assert {(each.value, each.low, each.high) for each in changes} == {(0.0, 0.0, 0.0)}
    assert all(a == b for a, line in found.matrix.items() for b, n in line.items() if n)


def test_a_better_one_shows_and_a_worse_one_too(world: World, tmp_path: Path) -> None:
    def informed(frame: pd.DataFrame) -> np.ndarray:
        return frame["raw_score"].to_numpy() + 2.0 * frame["fraud"].to_numpy()

    better = compared(world, shadowed(world, tmp_path / "better.db", informed)).figures
    assert better["change_average_precision"].low > 0
    assert better["change_auc"].low > 0
    assert better["change_value_caught"].low > 0
    rng = np.random.default_rng(5)
    worse = compared(world, shadowed(world, tmp_path / "worse.db", lambda frame: rng.normal(0, 1, len(frame)))).figures
    assert worse["change_auc"].high < 0


def test_what_cannot_be_known_is_not_assessed(world: World, tmp_path: Path) -> None:
    store = shadowed(world, tmp_path / "shadow.db", noisy)
    found = compared(world, store, prices=None, maturity=SCALE.days * DAY)
    assert {"ranking", "value_caught", "cost", "blocked_traffic"} <= found.not_assessed.keys()
    assert not {name for name in found.figures if "auc" in name or "cost" in name or "value" in name}
    with pytest.raises(DataError, match="that the shadow has scored, found none"):
        compared(world, ShadowStore(tmp_path / "empty.db"))


def test_at_the_prompt(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_CHAIN_KEY", "00" * 32)
    monkeypatch.setattr("domain.time.system_clock", lambda: UNTIL + 400 * DAY)
    home = ["--home", str(world.home.root), "--configs", str(world.configs)]
    period = ["--since", format_instant(START), "--until", format_instant(UNTIL)]
    assert main([*home, "challenger", "compare", "payment", *period]) == 3
    assert "expected scores of a shadow" in capsys.readouterr().err
    shadowed(world, world.home.shadow, noisy).close()
    assert main([*home, "challenger", "compare", "payment", *period, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["challenger"], told["n"]) == (NEW, len(world.frame))
    assert told["figures"]["change_auc"]["high"] < 0.05
    assert main([*home, "challenger", "compare", "payment", *period]) == 0
    assert "average precision" in capsys.readouterr().out
    # Mature by the labels of long after the period; not by those of its end.
    assert told["labels"]["immature"] == 0
    end = format_instant(UNTIL)
    assert main([*home, "challenger", "compare", "payment", *period, "--as-of", end, "--json"]) == 0
    then = json.loads(capsys.readouterr().out)
    assert (then["n"], then["labels_as_of"]) == (told["n"], end)
    assert then["labels"]["immature"] > 0
    assert main([*home, "challenger", "compare", "payment", *period, "--as-of", "2999-01-01"]) == 2
    assert main([*home, "challenger", "compare", "payment", *period, "--model", "d" * 64]) == 3
    assert main([*home, "challenger", "compare", "loan", *period]) == 3
    capsys.readouterr()
    assert main([*home, "challenger", "status", "payment", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["shadows"] == [{"model": NEW, "scored": len(world.frame), "skipped": {"queue": 3}}]
    assert main([*home, "challenger", "compare", "payment", "--last", "3d", "--since", "2026-03-01"]) == 2
