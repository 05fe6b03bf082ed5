"""AMLSim's protocol on a small world of transfers: nothing after the step is seen, nothing known is ranked again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from domain.errors import DataError
from domain.settings import PlatformSettings
from stores.home import Home
from stores.settings_files import load_settings
from tests.training.conftest import ROOT
from training.protocols.amlsim import Accounts, Transfers, precision_at, run_amlsim
from training.protocols.amlsim_settings import AmlsimSettings
from training.protocols.sources import journal_of

MAPPING = ROOT / "data" / "mappings" / "amlsim.yaml"
N, LAST = 60, 30


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty accounts; every fifth collects from many strangers around its step, or without a step."""
    rng = np.random.default_rng(8)
    folder = tmp_path_factory.mktemp("amlsim")
    flagged = np.arange(N) % 5 == 0
    step = np.where(flagged & (np.arange(N) % 10 == 0), rng.integers(2, LAST, N), -1)
    ends, times = rng.integers(0, N - 1, (500, 2)).tolist(), rng.integers(1, LAST + 1, 500).tolist()
    rows = [(*pair, float(rng.integers(5, 90)), time) for pair, time in zip(ends, times, strict=True)]
    for node in np.flatnonzero(flagged):
        at = int(step[node]) if step[node] > 0 else 15
        rows += [(int(other), int(node), 50.0, at) for other in rng.integers(0, N - 1, 8)]
    rows.sort(key=lambda row: row[3])
    frame = pd.DataFrame(rows, columns=["sourceNodeId", "targetNodeId", "value", "time"])
    frame.to_parquet(folder / "transactions.parquet")
    accounts = {"nodeid": np.arange(N), "isFraud": flagged.astype(int), "fraudStep": step}
    pd.DataFrame(accounts).to_parquet(folder / "accounts.parquet")
    return folder


@pytest.fixture
def settings(world: Path) -> AmlsimSettings:
    shipped = load_settings(ROOT / "configs" / "benchmarks" / "amlsim.yaml", AmlsimSettings)
    changes: dict[str, Any] = {
        "learn_at": 8, "validate_at": 15, "rank_at": 22, "top": 5, "resamples": 50, "threads": 1, "n": N,
        "n_events": N // 5, "search": {"trials": 1, "rounds": 20, "patience": 5},
    }  # fmt: skip
    return AmlsimSettings.model_validate({**shipped.model_dump(mode="json"), **changes})


def test_features_of_a_step_are_those_of_a_loop(
    world: Path, settings: AmlsimSettings, platform: PlatformSettings, tmp_path: Path
) -> None:
    journal = journal_of(MAPPING, world / settings.file, Home(tmp_path), platform)
    transfers = Transfers.of(journal, world, settings)
    X, columns = transfers.features(15, np.arange(N), settings, platform, lambda *_: None)
    seen = pd.read_parquet(world / settings.file).query("time <= 15")
    for node in range(N):
        paid, sent = seen[seen["targetNodeId"] == node], seen[seen["sourceNodeId"] == node]
        row = dict(zip(columns.names, X[node].tolist(), strict=True))
        assert row["account_received_count_365d"] == len(paid)
        assert row["account_received_account_id_degree_365d"] == paid["sourceNodeId"].nunique()
        assert row["account_sent_count_365d"] == len(sent)
        assert row["account_sent_amount_distinct_365d"] == sent["value"].nunique()


def test_two_who_ask_for_its_journal_at_once_get_the_same(
    world: Path, settings: AmlsimSettings, platform: PlatformSettings, tmp_path: Path
) -> None:
    def asked(_: int) -> int:
        journal = journal_of(MAPPING, world / settings.file, Home(tmp_path), platform)
        try:
            return journal.count("transaction")
        finally:
            journal.database.close()

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(asked, range(2)))
    assert counts == [len(pd.read_parquet(world / settings.file))] * 2


def test_only_the_unconfirmed_are_ranked(
    world: Path, settings: AmlsimSettings, platform: PlatformSettings, tmp_path: Path
) -> None:
    table = run_amlsim(settings, platform, MAPPING, world, Home(tmp_path), command="a test")
    answer = pd.read_parquet(world / settings.accounts)
    left = answer[~answer["fraudStep"].between(0, settings.rank_at)]
    for line in table.lines:
        assert (line.n, line.n_events) == (len(left), left["isFraud"].sum())
    random = table["random order"].cells["precision@5"].value
    assert random == pytest.approx(left["isFraud"].mean())
    assert table["number of accounts that paid"].cells["R-precision"].value > random


def test_what_is_confirmed_later_does_not_teach(settings: AmlsimSettings) -> None:
    accounts = Accounts(np.arange(4), np.array([1, 1, 1, 0], np.int8), np.array([5, 12, -1, -1]))
    taught = accounts.learnable(np.arange(4.0)[:, None], 5, 10)
    assert taught.X.ravel().tolist() == [1, 2, 3]
    assert taught.y.tolist() == [0, 0, 0]
    assert accounts.learnable(np.arange(4.0)[:, None], 5, 12).y.tolist() == [1, 0, 0]


def test_other_accounts_are_refused(world: Path, settings: AmlsimSettings) -> None:
    with pytest.raises(DataError, match="61 accounts"):
        Accounts.of(world / settings.accounts, settings.model_copy(update={"n": 61}))


def test_precision_is_the_mean_over_random_orders_of_ties() -> None:
    rng = np.random.default_rng(4)
    y, score = (rng.random(30) < 0.4).astype(np.int8), rng.integers(0, 4, 30).astype(float)
    times = rng.integers(0, 3, 30)
    laid_y, laid = np.repeat(y, times), np.repeat(score, times)
    drawn = []
    for _ in range(4000):
        order = np.lexsort((rng.random(len(laid)), -laid))
        drawn.append(laid_y[order[:9]].mean())
    assert precision_at(y, score, 9, times) == pytest.approx(np.mean(drawn), abs=0.01)
