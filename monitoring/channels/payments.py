"""Payments of a span with their channel and what became of them while they matured.

transactions, outcomes, complaints   seen before the end of the look
  -> one row a payment: channel, amount in base currency, fraud, dispute, failure, and whether each is mature
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from domain.events import CHANNELS
from domain.labels import FRAUD_POLICY, Verdict
from domain.money import FxTable
from monitoring.channels.settings import ChannelSettings
from monitoring.seen import Reader

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Payments:
    """Payments, a row each.

    Parameters
    ----------
    channel : place in ``domain.events.CHANNELS``, -1 where unknown. raw : its own name where it had one.
    amount : minor units of the base currency.
    fraud, disputed, failed : what was known of each while it matured. censored : refused, so that it never could be.
    mature, settled : old enough for fraud and disputes, and for failures.
    """

    channel: npt.NDArray[np.int64]
    raw: npt.NDArray[np.object_]
    time: npt.NDArray[np.int64]
    amount: npt.NDArray[np.float64]
    fraud: Flags
    disputed: Flags
    failed: Flags
    censored: Flags
    mature: Flags
    settled: Flags

    def within(self, since: int, until: int) -> Payments:
        """Those of ``since <= time < until``."""
        rows = (self.time >= since) & (self.time < until)
        return Payments(*(getattr(self, name)[rows] for name in Payments.__dataclass_fields__))

    def of(self, channel: int) -> Payments:
        """Those of one channel."""
        rows = self.channel == channel
        return Payments(*(getattr(self, name)[rows] for name in Payments.__dataclass_fields__))


def read_payments(read: Reader, settings: ChannelSettings, fx: FxTable, since: int, until: int) -> Payments:
    """Payments of ``since <= event_time < until``, with what was known before ``until``.

    Parameters
    ----------
    read : all events of a kind known before ``until``.
    """
    events = _since(read("transaction"), since)
    raw_column = settings.raw_column if settings.raw_column in events.column_names else None
    first = pc.or_kleene(pc.is_null(events["stage"]), pc.equal(events["stage"], "authorisation"))
    payments = events.filter(pc.fill_null(first, True))
    ids = pd.Series(payments["event_id"].to_numpy(zero_copy_only=False), dtype=object)
    time = cast("npt.NDArray[np.int64]", payments["event_time"].to_numpy())
    # What is said of a payment within its maturity counts; later words would make old payments look worse than new.
    client = payments["client"].to_numpy(zero_copy_only=False)
    rows = pd.DataFrame({"subject": ids, "row": np.arange(len(ids)), "time": time, "client": client})
    rows = rows.astype({"client": object})
    # Ids are unique for a client alone: an outcome names its payment by id and time.
    outcomes = _outcomes(_since(read("outcome"), since)).merge(rows, on=["subject", "time"])
    in_time = outcomes[outcomes["known_at"] < outcomes["time"] + settings.maturity.after]
    verdict = _settled(in_time)
    fraud, censored = _flags(len(ids), verdict[verdict == Verdict.POSITIVE].index), np.zeros(len(ids), dtype=bool)
    censored[verdict[verdict == Verdict.CENSORED].index.to_numpy(dtype=np.int64)] = True
    disputed = _flags(len(ids), in_time["row"][in_time["code"].isin(settings.dispute_codes)])
    complaints = _complaints(_since(read("complaint"), since)).merge(rows, on="subject")
    in_time_too = complaints["known_at"] < complaints["time"] + settings.maturity.after
    disputed |= _flags(len(ids), complaints["row"][in_time_too])
    soon = outcomes["known_at"] < outcomes["time"] + settings.settled.after
    failed = _flags(len(ids), outcomes["row"][soon & outcomes["code"].isin(settings.failure_codes)])
    reversals = _reversals(events).merge(rows, on=["subject", "client"])
    failed |= _flags(len(ids), reversals["row"][reversals["known_at"] < reversals["time"] + settings.settled.after])
    raw, channel = _channels(payments, raw_column, settings)
    return Payments(
        channel=channel, raw=raw, time=time, amount=_in_base(payments, fx), fraud=fraud, disputed=disputed,
        failed=failed, censored=censored, mature=time + settings.maturity.after <= until,
        settled=time + settings.settled.after <= until,
    )  # fmt: skip


def _since(table: pa.Table, since: int) -> pa.Table:
    return table.filter(pc.greater_equal(table["event_time"], since))


def _outcomes(table: pa.Table) -> pd.DataFrame:
    # An outcome without a kind is about whatever carries its subject's name.
    table = table.filter(pc.fill_null(pc.equal(table["subject_kind"], "transaction"), True))
    frame = _frame(table, "subject_event_id", "code", "known_at", "seq", "subject_time")
    return frame.rename(columns={"subject_time": "time"}).sort_values(["known_at", "seq"], kind="stable")


def _complaints(table: pa.Table) -> pd.DataFrame:
    table = table.filter(pc.equal(table["complaint_class"], "fraud_dispute"))
    return _frame(table, "subject_event_id", "known_at").dropna()


def _reversals(events: pa.Table) -> pd.DataFrame:
    frame = _frame(events.filter(pc.equal(events["stage"], "reversal")), "links_to", "known_at", "client").dropna()
    return frame.astype({"client": object})


def _frame(table: pa.Table, subject: str, *columns: str) -> pd.DataFrame:
    named = {"subject": table[subject].to_numpy(zero_copy_only=False)}
    frame = pd.DataFrame({**named, **{name: table[name].to_numpy(zero_copy_only=False) for name in columns}})
    return frame.astype({"subject": object})


def _settled(outcomes: pd.DataFrame) -> pd.Series[str]:
    """Row of a payment → the newest verdict that tells something."""
    codes = outcomes["code"].map({code: FRAUD_POLICY.verdict(code).value for code in outcomes["code"].unique()})
    telling = outcomes.assign(verdict=codes.astype(object))
    telling = telling[telling["verdict"] != Verdict.UNKNOWN.value]
    return telling.groupby("row")["verdict"].last()


def _flags(n: int, rows: pd.Series[int] | pd.Index[int]) -> Flags:
    flags = np.zeros(n, dtype=bool)
    flags[np.asarray(rows, dtype=np.int64)] = True
    return flags


def _channels(
    payments: pa.Table, raw_column: str | None, settings: ChannelSettings
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    named = payments["channel"].to_pylist()
    raw = payments[raw_column].to_pylist() if raw_column else [None] * len(named)
    place = {name: number for number, name in enumerate(CHANNELS)}
    known = [name if name is not None else settings.names.get(own, own) for name, own in zip(named, raw, strict=True)]
    return (
        np.array([own or "" for own in raw], dtype=object),
        np.array([place.get(name, -1) for name in known], dtype=np.int64),
    )


def _in_base(payments: pa.Table, fx: FxTable) -> npt.NDArray[np.float64]:
    amount = payments["amount"].to_numpy().astype(np.float64)
    foreign = np.flatnonzero(pc.not_equal(payments["currency"], fx.base).to_numpy(zero_copy_only=False))
    if len(foreign):
        currency, time = payments["currency"].take(pa.array(foreign)).to_pylist(), payments["event_time"].to_numpy()
        for row, code in zip(foreign.tolist(), currency, strict=True):
            amount[row] = fx.to_base(int(amount[row]), code, int(time[row]))
    return cast("npt.NDArray[np.float64]", amount)
