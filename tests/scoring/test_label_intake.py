"""The intake of outcomes: quiet worlds hold nothing, planted attacks are held, honest outcomes are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import ValidationError

from data.simulator.load import journal_simulation
from data.simulator.settings import SimulationSettings
from data.simulator.simulate import simulate
from domain.labels import CREDIT_POLICY, FRAUD_POLICY
from domain.time import DAY
from scoring.label_intake import BURST, REFUSED, RELEASED, LabelIntake, hold
from stores.database import Database
from stores.journal import Journal
from stores.settings_files import load_settings
from stores.vault import Vault

RULES = load_settings(Path(__file__).parents[2] / "configs" / "labels.yaml", LabelIntake)
DAYS = 120


def quiet(seed: int, days: int = DAYS) -> pd.DataFrame:
    """Chargebacks of the issuer, and an analyst who closes cases, is sometimes wrong and corrects it later."""
    rng = np.random.default_rng([3, seed])
    n = rng.poisson(4 * days)
    subject = rng.integers(0, days * DAY, n)
    analyst = rng.random(n) < 0.4
    code = np.where(analyst, np.where(rng.random(n) < 0.3, "reviewed_genuine", "confirmed_fraud"), "chargeback_fraud")
    delay = np.where(analyst, rng.exponential(2 * DAY, n), rng.exponential(10 * DAY, n)).astype(np.int64)
    frame = pd.DataFrame(
        {
            "client": "bank", "known_at": subject + delay, "code": code,
            "subject_event_id": [f"t{i}" for i in range(n)],
            "subject_time": subject, "source": np.where(analyst, "analyst", "issuer"),
        }
    )  # fmt: skip
    wrong = frame[(frame["code"] == "reviewed_genuine") & (rng.random(n) < 0.15)]
    later = wrong.assign(code="correction_fraud", known_at=wrong["known_at"] + 9 * DAY)
    return pd.concat([frame, later], ignore_index=True)


def table(frame: pd.DataFrame) -> pa.Table:
    ordered = frame[frame["known_at"] < DAYS * DAY].sort_values("known_at", kind="stable").reset_index(drop=True)
    return pa.Table.from_pandas(
        ordered.assign(seq=np.arange(len(ordered)) + 1, subject_kind="transaction"), preserve_index=False
    )


def attack(frame: pd.DataFrame, days: np.ndarray, code: str, *, known: bool) -> pd.DataFrame:
    """One flip a given day (and moment), by the analyst's account, of labels that were told, or of silent payments."""
    moments = (days * DAY).astype(np.int64)
    told = frame[(frame["code"] == "chargeback_fraud") & (frame["known_at"] < moments.min())].head(len(days))
    if known:
        assert len(told) == len(days)
        return told.assign(code=code, known_at=moments[: len(told)], source="analyst", client="bank")
    return pd.DataFrame(
        {
            "client": "bank", "known_at": moments, "code": code, "subject_time": moments - 60 * DAY,
            "subject_event_id": [f"s{i}" for i in range(len(days))], "source": "analyst",
        }
    )  # fmt: skip


def held_of(outcomes: pa.Table, code: str) -> tuple[int, int]:
    """How many of a code are held, and how many others."""
    held = hold(outcomes, FRAUD_POLICY, RULES)
    codes = dict(zip(outcomes["seq"].to_pylist(), outcomes["code"].to_pylist(), strict=True))
    mine = [codes[seq] == code for seq in held.seq.tolist()]
    return sum(mine), len(mine) - sum(mine)


@pytest.mark.parametrize("seed", range(8))
def test_a_quiet_world_holds_nothing(seed):
    assert len(hold(table(quiet(seed)), FRAUD_POLICY, RULES).seq) == 0


def test_a_world_as_large_as_the_demo_s_holds_nothing(tmp_path):
    """Rings of thirty closed in a day, and corrections that begin once there is something to correct."""
    simulate(SimulationSettings(seed=7, n_customers=3_000)).write(tmp_path / "world")
    database = Database(tmp_path / "assay.db")
    journal = Journal(database, tmp_path / "segments")
    journal_simulation(tmp_path / "world", journal, Vault(database, bytes(32)))
    told = journal.read("outcome")
    database.close()
    for policy in (FRAUD_POLICY, CREDIT_POLICY):
        held = hold(told, policy, RULES)
        assert held.n_outcomes > 3_000
        assert len(held.seq) == 0, held.table()


def test_silence_on_a_loan_is_no_label_that_a_default_contradicts():
    rng = np.random.default_rng(5)
    told = np.sort(np.concatenate([rng.integers(0, 200, 60), rng.integers(200, 228, 60)])) * DAY
    frame = pd.DataFrame(
        {
            "seq": np.arange(120) + 1, "client": "bank", "known_at": told, "source": "collections",
            "subject_kind": "application", "subject_event_id": [f"a{i}" for i in range(120)],
            "subject_time": told - 300 * DAY, "code": "default_90dpd_12m",
        }
    )  # fmt: skip
    assert len(hold(pa.Table.from_pandas(frame, preserve_index=False), CREDIT_POLICY, RULES).seq) == 0
    payments = frame.assign(code="account_takeover", source="customer", subject_kind="transaction")
    held = hold(pa.Table.from_pandas(payments, preserve_index=False), FRAUD_POLICY, RULES)
    assert len(held.seq) >= 50
    assert set(held.reason) == {"flip"}


def test_loans_of_a_large_lender_that_turn_a_year_old_are_no_burst():
    """Nothing performs for twelve months before the first loan is that old; then some forty a day do."""
    made = simulate(
        SimulationSettings(seed=7, n_customers=100, payment_days=14, n_borrowers=46_000, loan_months=16)
    )  # fmt: skip
    told = made.tables["outcome"]
    told = told.append_column("seq", pa.array(np.arange(told.num_rows) + 1))
    told = told.append_column("client", pa.array(["simulator"] * told.num_rows))
    performing = pc.sum(pc.equal(told["code"], "performing_12m")).as_py()
    held = hold(told, CREDIT_POLICY, RULES)
    assert performing > 3_000
    # The first month's end: loans of the 28th to the 31st are due on one day.
    assert len(held.seq) <= 160, held.table()


def loans(known: np.ndarray, subject: np.ndarray, first: int = 0) -> pa.Table:
    """Loans of which collections say that they performed for twelve months."""
    n = len(known)
    return pa.table(
        {
            "seq": np.arange(n) + 1 + first, "client": ["bank"] * n, "known_at": known, "source": ["collections"] * n,
            "subject_kind": ["application"] * n, "subject_event_id": [f"a{first + i}" for i in range(n)],
            "subject_time": subject, "code": ["performing_12m"] * n,
        }
    )  # fmt: skip


def days(*counts: int) -> np.ndarray:
    """Moments, so many on each day."""
    return np.concatenate([day * DAY + np.arange(n) for day, n in enumerate(counts)]).astype(np.int64)


def test_a_loan_is_not_a_year_old_before_its_year():
    subject = days(*[3] * 30)
    told = loans(subject + np.where(np.arange(90) == 5, 90, 365) * DAY, subject)
    held = hold(told, CREDIT_POLICY, RULES)
    assert (held.seq.tolist(), held.reason) == ([6], ("too early",))


def test_a_burst_of_loans_said_to_have_performed_is_held_once_the_first_weeks_are_over():
    known = days(*[10] * 40, 90, *[10] * 20) + 365 * DAY
    held = hold(loans(known, known - 365 * DAY), CREDIT_POLICY, RULES)
    assert len(held.seq) == 90
    assert set(held.reason) == {BURST}


def test_a_file_of_a_week_is_like_the_one_before():
    known = days(*([90, 0, 0, 0, 0, 0, 0] * 8), 99) + 365 * DAY
    assert len(hold(loans(known, known - 365 * DAY), CREDIT_POLICY, RULES).seq) == 0


def test_what_was_released_is_history_for_what_comes_after():
    """A source that tells more from a day on is ruled on, and then left alone."""
    known = days(*[10] * 40, *[60] * 20) + 365 * DAY
    told = loans(known, known - 365 * DAY)
    held = hold(told, CREDIT_POLICY, RULES)
    assert len(held.seq) == 20 * 60
    looked_at = held.seq[: 10 * 60].tolist()
    assert len(hold(told, CREDIT_POLICY, RULES, rulings=dict.fromkeys(looked_at, RELEASED)).seq) == 0
    refused = hold(told, CREDIT_POLICY, RULES, rulings=dict.fromkeys(looked_at, REFUSED))
    assert (len(refused.seq), refused.n_open) == (20 * 60, 10 * 60)


ATTACKS = {
    "frauds called genuine in an hour": (100 + np.linspace(0, 0.04, 40), "correction_genuine", True),
    "frauds called genuine over a week": (100 + np.linspace(0, 6.5, 40), "correction_genuine", True),
    "frauds called genuine over four weeks": (90 + np.linspace(0, 27, 40), "correction_genuine", True),
    "silent payments called fraud in an hour": (100 + np.linspace(0, 0.04, 40), "account_takeover", False),
    "silent payments called fraud over four weeks": (90 + np.linspace(0, 27, 40), "account_takeover", False),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_flipped_labels_are_held_and_honest_ones_are_not(name):
    days, code, known = ATTACKS[name]
    frame = quiet(0)
    mine, others = held_of(table(pd.concat([frame, attack(frame, days, code, known=known)])), code)
    assert mine >= 0.8 * len(days), (mine, others)
    assert others <= 8


def test_a_burst_of_one_source_is_held_whole_and_only_its_day():
    frame = quiet(1)
    burst = attack(frame, 100 + np.linspace(0, 0.5, 60), "confirmed_fraud", known=False)
    held = hold(table(pd.concat([frame, burst.assign(subject_time=burst["known_at"] - DAY)])), FRAUD_POLICY, RULES)
    assert set(held.reason) == {BURST}
    assert set(held.source) == {"analyst"}
    assert 60 <= len(held.seq) <= 65
    assert held.table()["n"].tolist() == [len(held.seq)]


def test_a_source_that_nobody_knows_is_held():
    frame = quiet(2)
    frame.loc[:3, "source"] = "a friend"
    held = hold(table(frame), FRAUD_POLICY, RULES)
    assert set(held.reason) == {"unknown source"}
    assert len(held.seq) == 4


def test_a_client_that_claims_to_be_another_source_is_held():
    rules = RULES.model_copy(update={"clients": {"issuer": ("scheme",)}})
    frame = quiet(2)
    issuer = frame["source"] == "issuer"
    frame.loc[issuer, "client"] = "scheme"
    assert len(hold(table(frame), FRAUD_POLICY, rules).seq) == 0
    frame.loc[frame[issuer].index[:2], "client"] = "bank"
    held = hold(table(frame), FRAUD_POLICY, rules)
    assert (set(held.reason), len(held.seq)) == ({"foreign client"}, 2)


def test_rulings_let_in_and_keep_out():
    frame = quiet(0)
    days, code, known = ATTACKS["frauds called genuine in an hour"]
    outcomes = table(pd.concat([frame, attack(frame, days, code, known=known)]))
    held = hold(outcomes, FRAUD_POLICY, RULES)
    assert held.n_open == len(held.seq) > 30
    seqs = held.seq.tolist()
    freed = hold(outcomes, FRAUD_POLICY, RULES, rulings=dict.fromkeys(seqs, RELEASED))
    assert len(freed.seq) == 0
    refused = hold(outcomes, FRAUD_POLICY, RULES, rulings=dict.fromkeys(seqs, REFUSED))
    assert (refused.seq.tolist(), refused.n_open) == (seqs, 0)
    assert refused.without(outcomes).num_rows == outcomes.num_rows - len(seqs)


def test_what_is_held_at_a_past_cut_does_not_change_later():
    frame = quiet(0)
    days, code, known = ATTACKS["frauds called genuine over a week"]
    outcomes = table(pd.concat([frame, attack(frame, days, code, known=known)]))
    cut = 104 * DAY
    then = hold(outcomes.filter(pa.array([at <= cut for at in outcomes["known_at"].to_pylist()])), FRAUD_POLICY, RULES)
    assert hold(outcomes, FRAUD_POLICY, RULES, as_of=cut).seq.tolist() == then.seq.tolist()


def test_nothing_told_and_other_kinds_are_no_trouble():
    empty = table(quiet(0)).slice(0, 0)
    assert hold(empty, FRAUD_POLICY, RULES).table().empty
    assert hold(table(quiet(0)), CREDIT_POLICY, RULES).n_outcomes == 0


def test_the_order_of_rows_does_not_matter():
    frame = quiet(0)
    days, code, known = ATTACKS["frauds called genuine in an hour"]
    outcomes = table(pd.concat([frame, attack(frame, days, code, known=known)]))
    order = np.random.default_rng(1).permutation(outcomes.num_rows)
    turned = hold(outcomes.take(pa.array(order)), FRAUD_POLICY, RULES)
    assert turned.seq.tolist() == hold(outcomes, FRAUD_POLICY, RULES).seq.tolist()


def test_rules_name_their_source():
    with pytest.raises(ValidationError, match="source"):
        LabelIntake.model_validate({**RULES.model_dump(exclude={"said_by"})})
