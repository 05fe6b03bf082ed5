"""Labels of the simulated world: late, sometimes missing, sometimes wrong, sometimes put right; loans by the book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from data.simulator.settings import SimulationSettings
from data.simulator.simulate import simulate
from data.simulator.simulation import Simulation
from domain.labels import CREDIT_POLICY, FRAUD_POLICY, Verdict
from domain.time import DAY, HOUR

KEYS = ["customer_id", "card_id", "account_id", "device_id", "ip_id", "merchant_id", "terminal_id", "payee_id"]


@pytest.fixture(scope="module")
def made() -> Simulation:
    settings = SimulationSettings(seed=3, n_customers=1500, payment_days=120, n_borrowers=2000, loan_months=36)
    return simulate(settings)


@pytest.fixture(scope="module")
def outcomes(made: Simulation) -> pd.DataFrame:
    return made.tables["outcome"].to_pandas()


@pytest.fixture(scope="module")
def payments(made: Simulation) -> pd.DataFrame:
    truth = made.truth.to_pandas().drop(columns="kind")
    return made.tables["transaction"].to_pandas().merge(truth, on="event_id")  # authorisations only


def test_an_outcome_speaks_of_its_subject_and_never_before_it(made: Simulation, outcomes: pd.DataFrame) -> None:
    for kind, keys in (("transaction", KEYS), ("application", ["customer_id", "borrower_id"])):
        said = outcomes[outcomes["subject_kind"] == kind]
        subjects = made.tables[kind].to_pandas().set_index("event_id").loc[said["subject_event_id"]]
        assert (said["event_time"] == said["known_at"]).all()
        assert (said["subject_time"].to_numpy() == subjects["event_time"].to_numpy()).all()
        assert (said["known_at"].to_numpy() > subjects["known_at"].to_numpy()).all()
        for key in keys:
            assert (said[key].fillna("").to_numpy() == subjects[key].fillna("").to_numpy()).all(), key
        if kind == "transaction":
            assert (said["amount"].to_numpy() == subjects["amount"].to_numpy()).all()
            assert (said["currency"].to_numpy() == subjects["currency"].to_numpy()).all()
    assert (outcomes["known_at"] < made.end).all()


def test_codes_are_those_of_the_policies(outcomes: pd.DataFrame) -> None:
    # Imports and the desk of complaints tell these; the simulated credit bureau does not.
    by_others = {
        "transaction": {"labelled_genuine"},
        "application": {"labelled_bad", "labelled_good", "complaint_upheld"},
    }
    for kind, policy in (("transaction", FRAUD_POLICY), ("application", CREDIT_POLICY)):
        codes = set(outcomes.loc[outcomes["subject_kind"] == kind, "code"])
        assert codes == set(policy.verdicts) - by_others[kind]
    assert set(outcomes["source"]) == {"issuer", "analyst", "customer", "collections"}


def test_fraud_becomes_known_late(made: Simulation, outcomes: pd.DataFrame) -> None:
    telling = outcomes[outcomes["code"].isin(["chargeback_fraud", "account_takeover", "authorised_scam"])]
    delay = (telling["known_at"] - telling["subject_time"]) / DAY
    medians = delay.groupby(telling["code"]).median()
    assert 1 < medians["account_takeover"] < 5 < medians["chargeback_fraud"] < 15
    assert delay.max() > 25
    young = made.truth.to_pandas().merge(made.tables["transaction"].to_pandas(), on="event_id")
    young = young[(young["event_time"] > made.end - 5 * DAY) & young["positive"].astype(bool)]
    known = {s for s, verdict in made.settled("transaction").items() if verdict is Verdict.POSITIVE}
    assert young["event_id"].isin(known).mean() < 0.5


def test_some_fraud_is_missed_and_some_labels_are_wrong(made: Simulation, payments: pd.DataFrame) -> None:
    verdicts = made.settled("transaction")
    old = payments[payments["event_time"] < made.end - 60 * DAY]
    verdict = old["event_id"].map(verdicts)
    fraud = old["positive"].astype(bool)
    found = (verdict[fraud] == Verdict.POSITIVE).mean()
    assert 0.75 < found < 0.98
    blamed = (verdict[~fraud] == Verdict.POSITIVE).sum()
    assert 0 < blamed < 0.05 * fraud.sum()
    assert (verdict[~fraud] == Verdict.INDETERMINATE).any()
    assert (verdict == Verdict.CENSORED).any()


def test_wrong_labels_are_put_right(made: Simulation, outcomes: pd.DataFrame) -> None:
    ordered = outcomes.sort_values("known_at")
    told: Mapping[Any, list[str]] = ordered.groupby("subject_event_id")["code"].agg(list).to_dict()
    truth = dict(zip(made.truth["event_id"].to_pylist(), made.truth["positive"].to_pylist(), strict=True))
    cleared = {subject: codes for subject, codes in told.items() if "correction_genuine" in codes}
    found = {subject: codes for subject, codes in told.items() if "correction_fraud" in codes}
    assert len(cleared) >= 3
    assert len(found) >= 3
    assert all(codes.index("confirmed_fraud") < codes.index("correction_genuine") for codes in cleared.values())
    assert all(codes.index("reviewed_genuine") < codes.index("correction_fraud") for codes in found.values())
    assert not any(truth[subject] for subject in cleared)
    assert all(truth[subject] for subject in found)
    unsaid = [codes for codes in told.values() if "default_90dpd_12m" in codes and "performing_12m" in codes]
    assert unsaid  # misposted payments
    assert all(codes.index("default_90dpd_12m") < codes.index("performing_12m") for codes in unsaid)


def test_deceived_customers_pass_the_step_up(payments: pd.DataFrame, outcomes: pd.DataFrame) -> None:
    steps = outcomes[outcomes["code"].isin(["step_up_passed", "step_up_failed"])]
    story = steps["subject_event_id"].map(payments.set_index("event_id")["story"])
    passed = (steps["code"] == "step_up_passed").groupby(story).mean()
    assert passed["push_payment_scam"] > 0.9
    assert passed["genuine"] > 0.9
    assert passed["stolen_card"] < 0.8
    failed = set(steps.loc[steps["code"] == "step_up_failed", "subject_event_id"])
    declined = set(outcomes.loc[outcomes["code"] == "declined", "subject_event_id"])
    assert failed == declined


def test_refused_applications_are_censored_and_never_lent(made: Simulation, outcomes: pd.DataFrame) -> None:
    verdicts = made.settled("application")
    refused = set(outcomes.loc[outcomes["code"] == "refused", "subject_event_id"])
    assert 0.1 < len(refused) / made.tables["application"].num_rows < 0.4
    assert all(verdicts[application] is Verdict.CENSORED for application in refused)
    assert not refused & set(made.tables["loan"]["application_id"].to_pylist())
    unpaid = set(outcomes.loc[outcomes["code"].isin(["withdrawn", "not_disbursed"]), "subject_event_id"])
    assert unpaid
    assert not unpaid & set(made.tables["loan"]["application_id"].to_pylist())


def test_default_is_what_the_repayments_say(made: Simulation, outcomes: pd.DataFrame) -> None:
    """The oracle: an instalment unpaid 90 days after its due date, within 12 months of disbursement."""
    truth = made.truth.to_pandas().set_index("event_id")
    loans = made.tables["loan"].to_pandas()
    due = made.tables["instalment"].to_pandas()[["loan_id", "instalment_number", "event_time"]]
    paid = made.tables["repayment"].to_pandas()[["loan_id", "instalment_number", "event_time"]]
    both = due.merge(paid, on=["loan_id", "instalment_number"], how="left", suffixes=("_due", "_paid"))
    ninety = both["event_time_due"] + 90 * DAY - HOUR // 2  # billed half an hour into the day
    late = both[~(both["event_time_paid"] < ninety)]
    first = (late["event_time_due"] + 90 * DAY).groupby(late["loan_id"]).min()
    loans["bad_at"] = loans["loan_id"].map(first)
    said_bad = outcomes[outcomes["code"] == "default_90dpd_12m"]
    told = dict(zip(said_bad["subject_event_id"], said_bad["known_at"], strict=True))
    unfounded: list[str] = []
    checked = 0
    for loan in loans.itertuples():
        application = str(loan.application_id)
        said = told.get(application)
        bad_in_year = loan.bad_at < loan.event_time + 360 * DAY and loan.bad_at < made.end - 3 * DAY
        bad_later = not loan.bad_at < loan.event_time + 372 * DAY
        if bad_in_year:
            assert said is not None
            assert abs(said - loan.bad_at) < 2 * DAY
            assert truth.loc[application, "positive"]
            checked += 1
        elif bad_later and said is not None:
            unfounded.append(application)
    assert checked > 100
    assert 0 < len(unfounded) < 0.03 * len(loans)  # misposted payments
    assert not truth.loc[unfounded, "positive"].any()


def test_good_loans_are_called_good_after_a_year_or_when_repaid(made: Simulation, outcomes: pd.DataFrame) -> None:
    disbursed = made.tables["loan"].to_pandas().set_index("application_id")["event_time"]
    performing = outcomes[outcomes["code"].isin(["performing_12m", "past_due_30_89"])]
    age = (performing["known_at"].to_numpy() - disbursed.loc[performing["subject_event_id"]].to_numpy()) / DAY
    assert age.min() > 360
    assert age.max() < 371
    young = made.tables["application"].to_pandas()
    young = young[young["event_time"] > made.end - 300 * DAY]["event_id"]
    verdicts = young.map(made.settled("application"))
    assert (verdicts == Verdict.NEGATIVE).sum() < 0.3 * len(young)  # only those repaid already


def test_first_party_fraud_starts_with_the_first_instalment(made: Simulation) -> None:
    truth = made.truth.to_pandas()
    crooked = set(truth.loc[truth["story"] == "first_party_loan", "event_id"])
    loans = made.tables["loan"].to_pandas()
    theirs = loans[loans["application_id"].isin(crooked)]
    assert len(theirs) > 5
    repaid = made.tables["repayment"].to_pandas().groupby("loan_id").size()
    assert theirs["loan_id"].map(repaid).fillna(0).max() <= 1
    applications = made.tables["application"].to_pandas()
    asked = (
        made.tables["inquiry"]
        .to_pandas()
        .merge(applications[["event_id", "borrower_id", "event_time"]], on="borrower_id", suffixes=("", "_applied"))
    )
    before = asked["event_time_applied"] - asked["event_time"]
    burst = asked[(before > 0) & (before < 14 * DAY)].groupby("event_id_applied").size()
    counts = applications["event_id"].map(burst).fillna(0)
    crook = applications["event_id"].isin(crooked)
    assert counts[crook].mean() > 3 * counts[~crook].mean()
    shared = applications[crook].groupby("device_id").size()
    assert shared.max() >= 2
