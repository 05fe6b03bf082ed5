"""Sense: who owns what, what follows what, and no column that gives fraud away by itself."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from data.simulator.settings import SimulationSettings
from data.simulator.simulate import simulate
from data.simulator.simulation import Simulation
from domain.time import DAY, HOUR

KEY_COLUMNS = {
    "customer_id", "card_id", "account_id", "device_id", "ip_id", "merchant_id", "terminal_id", "payee_id", "links_to",
}  # fmt: skip


@pytest.fixture(scope="module")
def made() -> Simulation:
    return simulate(SimulationSettings(seed=4, n_customers=1200, payment_days=70, n_borrowers=900, loan_months=24))


@pytest.fixture(scope="module")
def frames(made: Simulation) -> dict[str, pd.DataFrame]:
    return {kind: table.to_pandas() for kind, table in made.tables.items()}


def _one_each(frame: pd.DataFrame, thing: str, owner: str) -> bool:
    present = frame[frame[thing].notna()]
    return bool((present.groupby(thing)[owner].nunique() == 1).all())


def test_cards_and_accounts_belong_to_one_customer(frames: dict[str, pd.DataFrame]) -> None:
    payments = frames["transaction"]
    assert _one_each(payments, "card_id", "customer_id")
    assert _one_each(payments, "account_id", "customer_id")
    assert _one_each(payments, "card_id", "bin_id")
    assert _one_each(payments, "terminal_id", "merchant_id")
    assert _one_each(frames["statement"], "loan_id", "borrower_id")
    assert _one_each(frames["loan"], "loan_id", "borrower_id")
    own = payments.dropna(subset="account_id").drop_duplicates("account_id").set_index("account_id")["customer_id"]
    transfers = payments.dropna(subset="payee_id")
    assert (transfers["payee_id"].map(own) != transfers["customer_id"]).all()
    assert transfers["payee_id"].isin(own.index).mean() > 0.2  # customers pay customers


def test_a_payment_has_what_its_channel_has(frames: dict[str, pd.DataFrame]) -> None:
    payments = frames["transaction"]
    card = payments["channel"] == "bank_card"
    assert payments.loc[card, "card_id"].notna().all()
    assert (payments["card_id"].notna() ^ payments["account_id"].notna()).all()
    assert (payments["merchant_id"].notna() ^ payments["payee_id"].notna()).all()
    present = payments["card_present"].astype(bool)
    assert (payments["terminal_id"].notna() == present).all()
    assert payments.loc[present, ["latitude", "longitude"]].notna().all(axis=None)
    assert payments.loc[~present, ["device_id", "ip_id"]].notna().all(axis=None)
    assert (payments.loc[payments["currency"] != "CNY", "channel"] == "bank_card").all()
    assert payments["latitude"].dropna().between(15, 55).all()
    assert (payments["amount"] > 0).all()


def test_continuations_follow_what_they_continue(frames: dict[str, pd.DataFrame]) -> None:
    payments = frames["transaction"]
    later = payments[payments["links_to"].notna()]
    first = payments.set_index("event_id").loc[later["links_to"]]
    assert set(later["stage"]) == {"capture", "reversal", "refund"}
    assert (first["stage"] == "authorisation").all()
    assert (later["event_time"].to_numpy() > first["event_time"].to_numpy()).all()
    assert (later["amount"].to_numpy() <= first["amount"].to_numpy()).all()
    for key in ("customer_id", "card_id", "merchant_id", "currency"):
        assert (later[key].to_numpy() == first[key].to_numpy()).all()
    asked = frames["authentication"].dropna(subset="links_to")
    subject = payments.set_index("event_id").loc[asked["links_to"]]
    assert (asked["customer_id"].to_numpy() == subject["customer_id"].to_numpy()).all()
    gap = asked["event_time"].to_numpy() - subject["event_time"].to_numpy()
    assert abs(gap).max() < HOUR
    assert (gap[(asked["purpose"] == "step_up").to_numpy()] > 0).all()


def test_money_is_lent_before_it_is_repaid(frames: dict[str, pd.DataFrame]) -> None:
    loans = frames["loan"].set_index("loan_id")
    applications = frames["application"].set_index("event_id").loc[loans["application_id"]]
    assert (loans["event_time"].to_numpy() > applications["event_time"].to_numpy()).all()
    assert (loans["borrower_id"].to_numpy() == applications["borrower_id"].to_numpy()).all()
    assert (loans["amount"].to_numpy() <= applications["amount"].to_numpy()).all()
    for kind in ("instalment", "repayment"):
        rows = frames[kind]
        assert (rows["event_time"].to_numpy() > loans.loc[rows["loan_id"], "event_time"].to_numpy()).all(), kind
        assert (rows["instalment_number"].to_numpy() <= loans.loc[rows["loan_id"], "term_months"].to_numpy()).all()
        assert not rows.duplicated(["loan_id", "instalment_number"]).any()
        assert (rows["amount"] > 0).all()
    in_order = frames["repayment"].sort_values(["loan_id", "instalment_number"])
    steps = in_order.groupby("loan_id")["event_time"].diff().dropna()
    assert (steps > -DAY).all()  # caught up in one visit, never the newer instalment on an earlier day
    assert (frames["repayment"]["shortfall"] >= 0).all()
    assert frames["instalment"]["days_past_due"].between(0, 125).all()


def test_people_are_one_across_payments_and_loans(frames: dict[str, pd.DataFrame]) -> None:
    applications = frames["application"]
    known = applications["customer_id"].notna()
    assert 0.2 < known.mean() < 0.6
    assert (applications.loc[known, "customer_id"] == applications.loc[known, "borrower_id"]).all()
    customers = set(frames["transaction"]["customer_id"])
    assert applications.loc[known, "customer_id"].isin(customers).mean() > 0.95
    assert not applications.loc[~known, "borrower_id"].isin(customers).any()
    assert applications.duplicated("borrower_id").mean() > 0.2  # some come back
    assert applications["age_years"].between(18, 72).all()


def test_events_lie_in_their_window(made: Simulation, frames: dict[str, pd.DataFrame]) -> None:
    for kind in ("transaction", "authentication", "profile_change"):
        assert frames[kind]["event_time"].between(made.start, made.end - 1).all(), kind
    for kind, frame in frames.items():
        assert (frame["event_time"] < made.end).all(), kind
        assert (frame["event_time"] > made.end - 3.2 * 365 * DAY).all(), kind
    applied = frames["application"]["event_time"]
    assert applied.max() > made.end - 40 * DAY
    assert applied.min() < made.end - 600 * DAY


def test_business_hours_are_those_of_the_time_zone(made: Simulation, frames: dict[str, pd.DataFrame]) -> None:
    hour = (frames["transaction"]["event_time"] - made.start) // HOUR % 24  # Shanghai has no summer time
    share = hour.value_counts(normalize=True).sort_index()
    assert share.loc[2:4].sum() < 0.05 < share.loc[19]
    assert share.loc[9:21].sum() > 0.7


def test_pay_days_and_weekends_show(frames: dict[str, pd.DataFrame]) -> None:
    day = pd.to_datetime(frames["transaction"]["event_time"], unit="us", utc=True).dt.tz_convert("Asia/Shanghai")
    per_day = day.dt.date.value_counts()
    weekend = pd.Index(per_day.index).map(lambda date: date.weekday() >= 5)
    assert per_day[weekend].mean() > 1.05 * per_day[~weekend].mean()


def test_stories_look_like_their_names(made: Simulation, frames: dict[str, pd.DataFrame]) -> None:
    truth = made.truth.to_pandas().drop(columns="kind")
    payments = frames["transaction"].merge(truth, on="event_id")
    seen = payments[payments["story"] == "genuine"].groupby("customer_id")["device_id"].agg(set)
    by_story = dict(tuple(payments[payments["story"] != "genuine"].groupby("story")))

    taken = by_story["account_takeover"]
    usual = [
        device in seen.get(who, set()) for device, who in zip(taken["device_id"], taken["customer_id"], strict=True)
    ]
    assert sum(usual) == 0
    paid_before = payments[payments["story"] == "genuine"].groupby("customer_id")["payee_id"].agg(set)
    transfers = taken.dropna(subset="payee_id")
    known = [
        p in paid_before.get(c, set()) for p, c in zip(transfers["payee_id"], transfers["customer_id"], strict=True)
    ]
    assert sum(known) / len(known) < 0.1

    stolen = by_story["stolen_card"]
    assert set(stolen["channel"]) == {"bank_card"}
    spans = stolen.groupby("incident")["event_time"].agg(lambda times: times.max() - times.min())
    assert spans.median() < 4 * HOUR

    deceived = by_story["push_payment_scam"]
    usual = [d in seen.get(c, set()) for d, c in zip(deceived["device_id"], deceived["customer_id"], strict=True)]
    assert sum(usual) / len(usual) > 0.7
    ordinary = payments[(payments["story"] == "genuine") & payments["payee_id"].notna()]["amount"].median()
    assert deceived["amount"].median() > 1.8 * ordinary

    mules = by_story["mule"]
    fan_in = mules.groupby("payee_id")["customer_id"].nunique()
    assert fan_in.max() >= 4
    owner = payments.dropna(subset="account_id").drop_duplicates("account_id").set_index("account_id")["customer_id"]
    passing = set(mules["payee_id"].map(owner).dropna()) & set(mules["customer_id"])
    assert passing  # some mules of ours are seen on both sides

    colluding = by_story["merchant_collusion"]
    assert colluding["card_present"].astype(bool).all()
    assert colluding.groupby("merchant_id")["card_id"].nunique().max() >= 4


@pytest.mark.parametrize("seed", [4, 5])
def test_no_single_column_gives_fraud_away(seed: int) -> None:
    made = simulate(SimulationSettings(seed=seed, n_customers=1200, payment_days=70, n_borrowers=100, loan_months=14))
    payments = made.tables["transaction"].to_pandas().merge(made.truth.to_pandas()[["event_id", "positive"]])
    fraud = payments["positive"].astype(bool)
    payments["hour"] = payments["event_time"] // HOUR % 24
    payments["millisecond"] = payments["event_time"] // 1000 % 1000
    payments["lateness"] = payments["known_at"] - payments["event_time"]
    for column in payments.columns.difference([*KEY_COLUMNS, "event_id", "positive", "event_time", "known_at"]):
        values = payments[column]
        if values.dtype == object or not pd.api.types.is_numeric_dtype(values):
            values = values.astype(str)
            values = values.map(fraud.groupby(values).mean())  # as optimistic as a category can be
        auc = roc_auc_score(fraud, values.fillna(-1).astype(float))
        assert max(auc, 1 - auc) < 0.9, column
    for column in KEY_COLUMNS:
        auc = roc_auc_score(fraud, payments[column].isna())
        assert max(auc, 1 - auc) < 0.9, f"absence of {column}"
    for column in ("device_id", "ip_id", "payee_id", "merchant_id", "account_id"):
        number = payments[column].str[1:].astype(float)
        auc = roc_auc_score(fraud[number.notna()], number.dropna())
        assert 0.3 < auc < 0.7, f"digits of {column}"
