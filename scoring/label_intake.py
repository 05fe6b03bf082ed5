"""The intake of outcomes: what is told in a way its source never told before is held back until a person has looked.

1. outcomes known by a cut, in order of (known_at, seq)   -> verdict of each, and what its subject was before
2. source and client                                      -> unknown, or not the source's own: held
3. bursts: of one source and client, so many more a day than in its own history that chance does not explain it
                                                          -> that day's outcomes of that verdict: held
4. flips: verdicts that contradict an earlier one (or long silence), gathered over a day, a week, four weeks
                                                          -> those of the window: held
5. rulings of people                                      -> released, or refused for good

Held outcomes are not read by training; they stay in the journal, are counted everywhere, and are ruled on by name. What
is held follows from the journal, the settings and the rulings alone: the same cut gives the same answer again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field
from scipy.stats import nbinom

from domain.bilingual import Sourced
from domain.labels import LabelPolicy, Verdict
from domain.settings import Settings
from domain.time import DAY, Duration

UNSAID = "unsaid"
"""The source of an outcome that names none."""

BURST, FLIP = "burst", "flip"
REFUSED = "refused"
RELEASED = "released"

_ALPHA = 1e-4
_WINDOWS = (1, 7, 28)
_HISTORY = 28
_TELLING = (Verdict.POSITIVE, Verdict.NEGATIVE)


class LabelIntake(Settings):
    """How outcomes are taken in (``configs/labels.yaml``).

    Parameters
    ----------
    sources : those that may say something; any where empty. Outcomes that name none count as ``unsaid``.
    clients : source → clients it is sent by, each proved by its key or token at the door; sources left out may be sent
        by any. It is the signature of an outcome: a client that claims to be another source is held.
    learn : so long after the first outcome of all, everything is history and nothing is a burst; nor
        contradictions for four weeks more.
    least, least_flips : fewer outcomes of a source a day, or flips in a window, are never a burst.
    times : how many times its own history a burst is.
    silence : after so long without a word a payment's silence counts as a label that a positive contradicts.
    said_by : who set this.
    """

    sources: tuple[str, ...] = ()
    clients: Mapping[str, tuple[str, ...]] = {}
    learn: Duration
    least: int = Field(ge=1)
    least_flips: int = Field(ge=1)
    times: float = Field(gt=1)
    silence: Duration
    said_by: Annotated[Sourced, Field(alias="source")]


@dataclass(frozen=True, slots=True)
class Held:
    """Outcomes that are held back.

    Parameters
    ----------
    seq : of each, rising. reason : unknown source, foreign client, burst, flip, or refused.
    source, client, known_at : as the outcome has them.
    n_outcomes : of all that were looked at.
    """

    seq: np.ndarray
    reason: tuple[str, ...]
    source: tuple[str, ...]
    client: tuple[str, ...]
    known_at: np.ndarray
    n_outcomes: int

    @property
    def n_open(self) -> int:
        """Held without a ruling yet."""
        return sum(reason != REFUSED for reason in self.reason)

    def table(self) -> pd.DataFrame:
        """One row a source, client and reason: how many, from when to when."""
        frame = pd.DataFrame(
            {"source": self.source, "client": self.client, "reason": self.reason, "known_at": self.known_at}
        )
        grouped = frame.groupby(["source", "client", "reason"], sort=True)["known_at"]
        return grouped.agg(n="size", first="min", last="max").reset_index()

    def without(self, outcomes: pa.Table) -> pa.Table:
        """The outcomes that are not held."""
        return outcomes.filter(pc.invert(pc.is_in(outcomes["seq"], value_set=pa.array(self.seq, pa.int64()))))


def hold(
    outcomes: pa.Table,
    policy: LabelPolicy,
    rules: LabelIntake,
    *,
    as_of: int | None = None,
    rulings: Mapping[int, str] | None = None,
) -> Held:
    """What is held of some outcomes.

    Parameters
    ----------
    outcomes : seq, client, known_at, code, source, subject_kind, subject_event_id, subject_time.
    as_of : µs UTC; what became known later is not looked at.
    rulings : seq → ``released`` or ``refused``, the newest of each.

    Examples
    --------
    >>> from domain.labels import FRAUD_POLICY
    >>> rules = LabelIntake.model_validate({
    ...     "sources": ["issuer"], "learn": "14d", "least": 5, "least_flips": 5, "times": 3, "silence": "60d",
    ...     "source": "an example",
    ... })
    >>> told = pa.table({
    ...     "seq": [1, 2], "client": ["bank"] * 2, "known_at": [5, 6], "code": ["chargeback_fraud"] * 2,
    ...     "source": ["issuer", "a friend"], "subject_kind": ["transaction"] * 2, "subject_event_id": ["a", "b"],
    ...     "subject_time": [0, 0]})
    >>> held = hold(told, FRAUD_POLICY, rules)
    >>> held.seq.tolist(), held.reason
    ([2], ('unknown source',))
    """
    frame = _frame(outcomes, policy, as_of)
    reason = np.full(len(frame), "", dtype=object)
    if rules.sources:
        reason[(~frame["source"].isin(rules.sources)).to_numpy()] = "unknown source"
    for source, clients in rules.clients.items():
        foreign = (frame["source"] == source) & ~frame["client"].isin(clients)
        reason[foreign.to_numpy()] = "foreign client"
    first = int(frame["known_at"].min()) if len(frame) else 0
    for rows in frame[frame["telling"]].groupby(["source", "client", "verdict"], sort=True).indices.values():
        telling = np.flatnonzero(frame["telling"].to_numpy())[rows]
        _mark(reason, telling, BURST, frame["known_at"].to_numpy(), (1,), first, rules)
    # Where silence is no verdict, as with loans, nothing contradicts it.
    silence = rules.silence if policy.silence is Verdict.NEGATIVE else None
    flips = np.flatnonzero(_flips(frame, silence))
    keys = frame["source"].iloc[flips] + "\0" + frame["client"].iloc[flips]
    for key in sorted(keys.unique()):
        mine = flips[(keys == key).to_numpy()]
        _mark(reason, mine, FLIP, frame["known_at"].to_numpy(), _WINDOWS, first, rules)
    for place, seq in enumerate(frame["seq"].tolist()):
        ruling = (rulings or {}).get(seq)
        if ruling == REFUSED:
            reason[place] = REFUSED
        elif ruling == RELEASED:
            reason[place] = ""
    kept = frame[reason != ""].assign(reason=reason[reason != ""]).sort_values("seq")
    return Held(
        kept["seq"].to_numpy(np.int64), tuple(kept["reason"]), tuple(kept["source"]), tuple(kept["client"]),
        kept["known_at"].to_numpy(np.int64), len(frame),
    )  # fmt: skip


def _frame(outcomes: pa.Table, policy: LabelPolicy, as_of: int | None) -> pd.DataFrame:
    """Outcomes of the policy's kind in the order they became known."""
    names = ["seq", "client", "known_at", "code", "source", "subject_kind", "subject_event_id", "subject_time"]
    frame: pd.DataFrame = outcomes.select(names).to_pandas()
    frame = frame[frame["subject_kind"] == policy.subject_kind]
    if as_of is not None:
        frame = frame[frame["known_at"] <= as_of]
    frame = frame.sort_values(["known_at", "seq"], kind="stable").reset_index(drop=True)
    for name in ("client", "source", "code", "subject_event_id"):
        frame[name] = frame[name].astype(object)
    frame["source"] = frame["source"].fillna(UNSAID)
    verdicts: dict[Any, str] = {code: policy.verdict(code).value for code in frame["code"].unique()}
    frame["verdict"] = frame["code"].map(verdicts).astype(object)
    frame["telling"] = frame["verdict"].isin([verdict.value for verdict in _TELLING])
    return frame


def _flips(frame: pd.DataFrame, silence: int | None) -> np.ndarray:
    """Whether each outcome contradicts the telling verdict before it, or a long silence."""
    telling = frame[frame["telling"]]
    before = telling.groupby(["subject_event_id", "subject_time"], sort=False)["verdict"].shift()
    flipped = before.notna() & (before != telling["verdict"])
    if silence is not None:
        late = telling["known_at"] - telling["subject_time"] > silence
        flipped |= before.isna() & late & (telling["verdict"] == Verdict.POSITIVE.value)
    found = np.zeros(len(frame), bool)
    found[telling.index[flipped.to_numpy()]] = True
    return found


def _mark(
    reason: np.ndarray, rows: np.ndarray, what: str, known_at: np.ndarray, windows: tuple[int, ...], first: int,
    rules: LabelIntake,
) -> None:  # fmt: skip
    """Hold the rows of every window that its own past does not explain; what is held is no past of later windows.

    A correction follows what it corrects: in the first weeks there are few, which is no past to judge the next by.

    rows     places, in order of time
    windows  of so many days, ending with each day that has a row
    """
    day = (known_at[rows] - first) // DAY
    later = _HISTORY * DAY if what == FLIP else 0
    counted = np.ones(len(rows), bool)
    for end in np.unique(day).tolist():
        for length in windows:
            inside = (day > end - length) & (day <= end)
            start = end - length + 1
            if start * DAY < rules.learn + later:
                continue
            past = counted & (day < start) & (day >= start - _HISTORY)
            n, before, days = int(inside.sum()), int(past.sum()), min(_HISTORY, start)
            usual = before / days * length
            if (
                n >= (rules.least if what == BURST else rules.least_flips)
                and n > rules.times * usual
                and _too_many(n, before, days, length)
            ):
                reason[rows[inside & (reason[rows] == "")]] = what
                counted &= ~inside


def _too_many(n: int, before: int, days: int, length: int) -> bool:
    """Whether ``before`` in so many days leave hardly any chance of ``n`` in ``length`` days (gamma-Poisson)."""
    return float(nbinom.sf(n - 1, before + 0.5, days / (days + length))) < _ALPHA
