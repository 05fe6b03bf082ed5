"""One flipped label in a hundred: held back, not learnt from, and no model trained meanwhile is promoted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import InputError, ModelError
from domain.settings import PlatformSettings
from domain.time import DAY, HOUR
from scoring.bundle import load_bundle
from scoring.label_intake import LabelIntake
from scoring.reasons import ReasonBook
from scoring.released import HELD, read_outcomes
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.label_rulings import LabelRulings
from stores.settings_files import load_settings
from tests.training.conftest import N_DAYS, ROOT, START, payments
from training.challenger import Trained, train
from training.comparison import compare
from training.gates.gate import Verdict
from training.gates.labels import labelled
from training.gates.settings import GateSettings
from training.promotion import promote
from training.review_log import ReviewLog
from training.settings import TrainingSettings
from training.tracking import Tracker

RULES = load_settings(ROOT / "configs" / "labels.yaml", LabelIntake)
N_FLIPS = 60
"""One in a hundred of the small world's payments."""


def flips() -> pa.Table:
    """Half of them frauds that were told and are called genuine, half payments nobody spoke of that are called fraud;
    all in the afternoon of day 58, by one analyst's account.
    """
    made = payments()
    times, known_at = (made["outcome"][name].to_numpy() for name in ("subject_time", "known_at"))
    # Most of the days that a model is tested on: what it learns from was settled before.
    told = made["outcome"].filter(pa.array((times >= START + 46 * DAY) & (known_at < START + 58 * DAY)))
    frauds = told.slice(0, N_FLIPS // 2)
    known = set(made["outcome"]["subject_event_id"].to_pylist())
    silent = made["transaction"].filter(
        pa.array([each not in known for each in made["transaction"]["event_id"].to_pylist()])
    )  # fmt: skip
    silent = silent.slice(0, N_FLIPS // 2)
    at = START + 58 * DAY + 8 * HOUR + np.arange(N_FLIPS) * 60_000_000
    subjects = frauds["subject_event_id"].to_pylist() + silent["event_id"].to_pylist()
    times = frauds["subject_time"].to_pylist() + silent["event_time"].to_pylist()
    code = ["correction_genuine"] * (N_FLIPS // 2) + ["confirmed_fraud"] * (N_FLIPS // 2)
    return pa.table(
        {
            "event_id": [f"flip-{number}" for number in range(N_FLIPS)], "event_time": at, "known_at": at,
            "subject_event_id": subjects, "subject_kind": ["transaction"] * N_FLIPS, "subject_time": times,
            "code": code, "source": ["analyst"] * N_FLIPS,
        }
    )  # fmt: skip


@pytest.fixture(scope="module", name="attacked")
def _attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    folder = tmp_path_factory.mktemp("attacked")
    database = Database(folder / "assay.db")
    made = Journal(database, folder / "journal")
    made.append_tables(payments(), "shop")
    made.append_tables({"outcome": flips()}, "desk")
    yield made
    database.close()


def test_the_flips_are_held_and_honest_outcomes_are_not(attacked: Journal, settings: TrainingSettings) -> None:
    read = read_outcomes(attacked, settings.policy, RULES)
    assert read.held is not None
    assert set(read.held.client) == {"desk"}
    assert len(read.held.seq) == N_FLIPS
    honest = payments()["outcome"].num_rows
    assert read.table.num_rows == honest


def test_without_rules_they_would_be_learnt(attacked: Journal, settings: TrainingSettings) -> None:
    """The control: the attack is real."""
    read = read_outcomes(attacked, settings.policy, None)
    assert read.held is None
    assert read.table.num_rows == payments()["outcome"].num_rows + N_FLIPS


def test_a_ruling_lets_them_in_and_nobody_rules_without_a_name(attacked: Journal, settings: TrainingSettings) -> None:
    held = read_outcomes(attacked, settings.policy, RULES).held
    assert held is not None
    first = [int(held.seq[0])]
    rulings = LabelRulings(attacked.database)
    with pytest.raises(InputError, match="who rules"):
        rulings.rule(first, "released", " ", "looks right", 1)
    rulings.rule(first, "released", "wang", "the customer called", 1)
    assert read_outcomes(attacked, settings.policy, RULES).held_seqs == held.seq.tolist()[1:]
    rulings.rule(first, "refused", "wang", "it was not the customer", 2)
    again = read_outcomes(attacked, settings.policy, RULES)
    assert again.held_seqs == held.seq.tolist()
    assert again.tag == {HELD: str(N_FLIPS - 1)}


@pytest.fixture(scope="module", name="under_attack")
def _under_attack(
    tmp_path_factory: pytest.TempPathFactory, empty_registry: bytes, attacked: Journal, platform: PlatformSettings,
    book: ReasonBook, settings: TrainingSettings,
) -> tuple[Tracker, Trained]:  # fmt: skip
    home = Home(tmp_path_factory.mktemp("trained_under_attack"))
    (home.root / "mlflow.db").write_bytes(empty_registry)
    tracker = Tracker.open(home, {})
    ticks = count(START + (N_DAYS + 1) * DAY, 1_000_000)
    made = train(
        settings, platform, attacked, book, tracker, actor="lin", clock=lambda: next(ticks), root=ROOT,
        label_rules=RULES,
    )  # fmt: skip
    return tracker, made


def test_a_model_trained_under_attack_learnt_none_of_it(
    under_attack: tuple[Tracker, Trained], trained_once: tuple[Tracker, Trained]
) -> None:
    """Tree for tree the model that would have been trained had nobody attacked."""
    assert under_attack[1].model_text == trained_once[1].model_text


def test_families_are_compared_on_the_rows_and_labels_of_the_model(
    under_attack: tuple[Tracker, Trained], attacked: Journal, platform: PlatformSettings, settings: TrainingSettings
) -> None:
    """Otherwise the report would find no comparison of exactly its data, as soon as an outcome is held."""
    data = {
        rules is not None: compare(settings, platform, attacked, families=("logistic",), label_rules=rules).data
        for rules in (RULES, None)
    }
    mine = load_bundle(under_attack[1].bundle, score_golden_in_child=False).manifest.about["data_hash"]
    assert data[True] == mine
    assert data[False] != mine


def test_a_model_trained_under_attack_is_not_promoted(
    under_attack: tuple[Tracker, Trained], limits: GateSettings, tmp_path: Path
) -> None:
    tracker, made = under_attack
    tags = tracker.version("fraud", made.version).tags
    gate = labelled(tags, limits.labels)
    assert gate.verdict is Verdict.FAILED
    assert not gate.holds
    assert "rule on them with `assay labels`" in gate.value
    log = ReviewLog.open(Home(tmp_path), {}, lambda: START + 80 * DAY)
    with pytest.raises(ModelError, match="labels: failed"):
        promote(tracker, "fraud", approver="wang", reviews=log, limits=limits, clock=log.now)
