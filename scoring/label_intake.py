"""The intake of outcomes: what is told in a way its source never told before is held back until a person has looked.

1. outcomes known by a cut, in order of (known_at, seq)   -> verdict of each, and what its subject was before
2. rulings of people                                      -> released, and history from then on; or refused for good
3. source, client and age                                 -> unknown, not the source's own, or said too early: held
4. bursts: of one source and client, so many more a day than in its own history that chance does not explain it, and
   more than on its largest day of five weeks (files of a week, month's ends)
                                                          -> that day's outcomes of that verdict: held
5. flips: verdicts that contradict an earlier one (or long silence), gathered over a day, a week, four weeks
                                                          -> those of the window: held

What can only be said at an age (a loan that performed for twelve months) has no history before the first subject has
that age: its time of learning begins there, not with the first outcome of all.

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
EARLY = "too early"
REFUSED = "refused"
RELEASED = "released"

_ALPHA = 1e-4
_WINDOWS = (1, 7, 28)
_HISTORY = 28
_MONTH_ENDS = 35
"""Days of history that hold the last of the days that come once a month."""
_LIKE_BEFORE = 1.5
"""A day is like one before it up to so many times its outcomes."""

_TELLING = (Verdict.POSITIVE, Verdict.NEGATIVE)


class LabelIntake(Settings):
    """How outcomes are taken in (``configs/labels.yaml``).

    Parameters
    ----------
    sources : those that may say something; any where empty. Outcomes that name none count as ``unsaid``.
    clients : source → clients it is sent by, each proved by its key or token at the door; sources left out may be sent
        by any. It is the signature of an outcome: a client that claims to be another source is held.
    learn : so long after the first outcome of all, everything is history and nothing is a burst; nor
        contradictions for four weeks more. Of outcomes that need an age, after the first subject has it.
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
    seq : of each, rising. reason : unknown source, foreign client, too early, burst, flip, or refused.
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
    ruled = np.array([(rulings or {}).get(seq, "") for seq in frame["seq"].tolist()], dtype=object)
    reason = np.full(len(frame), "", dtype=object)
    if rules.sources:
        reason[(~frame["source"].isin(rules.sources)).to_numpy()] = "unknown source"
    for source, clients in rules.clients.items():
        foreign = (frame["source"] == source) & ~frame["client"].isin(clients)
        reason[foreign.to_numpy()] = "foreign client"
    reason[(frame["known_at"] - frame["subject_time"] < frame["earliest"]).to_numpy()] = EARLY
    reason[ruled != ""] = ""
    telling = frame[frame["telling"] & (reason != EARLY)]
    _mark_groups(reason, telling, ["source", "client", "verdict"], BURST, (1,), frame, rules, ruled)
    # Where silence is no verdict, as with loans, nothing contradicts it.
    silence = rules.silence if policy.silence is Verdict.NEGATIVE else None
    _mark_groups(reason, frame[_flips(frame, silence)], ["source", "client"], FLIP, _WINDOWS, frame, rules, ruled)
    reason[ruled == REFUSED] = REFUSED
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
    frame["earliest"] = frame["code"].map(lambda code: policy.earliest.get(code, 0)).astype(np.int64)
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


def _mark_groups(
    reason: np.ndarray, some: pd.DataFrame, by: list[str], what: str, windows: tuple[int, ...], frame: pd.DataFrame,
    rules: LabelIntake, ruled: np.ndarray,
) -> None:  # fmt: skip
    """Mark each source and client by itself; what needs an age by its own beginning."""
    known_at = frame["known_at"].to_numpy()
    for rows in some.groupby([*by, "earliest"], sort=True).indices.values():
        age = int(some["earliest"].iloc[rows[0]])
        first = max(int(known_at.min()), int(frame["subject_time"].min()) + age) if age else int(known_at.min())
        _mark(reason, some.index.to_numpy()[rows], what, known_at, windows, first, rules, ruled)


def _mark(
    reason: np.ndarray, rows: np.ndarray, what: str, known_at: np.ndarray, windows: tuple[int, ...], first: int,
    rules: LabelIntake, ruled: np.ndarray,
) -> None:  # fmt: skip
    """Hold the rows of every window that its own past does not explain; what is held is no past of later windows.

    What a person released is past like any other, and no longer part of what its window is judged by.

    A correction follows what it corrects: in the first weeks there are few, which is no past to judge the next by.

    rows     places, in order of time
    windows  of so many days, ending with each day that has a row
    """
    day = (known_at[rows] - first) // DAY
    later = _HISTORY * DAY if what == FLIP else 0
    counted, waiting = ruled[rows] != REFUSED, ruled[rows] != RELEASED
    for end in np.unique(day).tolist():
        for length in windows:
            inside = (day > end - length) & (day <= end)
            start = end - length + 1
            if start * DAY < rules.learn + later:
                continue
            largest = 0
            if what == BURST:
                recent = day[counted & (day < start) & (day >= start - _MONTH_ENDS)]
                largest = np.unique(recent, return_counts=True)[1].max(initial=0)
            past = counted & (day < start) & (day >= start - _HISTORY)
            n, before, days = int((inside & waiting).sum()), int(past.sum()), min(_HISTORY, start)
            usual = before / days * length
            if (
                n > _LIKE_BEFORE * largest
                and n >= (rules.least if what == BURST else rules.least_flips)
                and n > rules.times * usual
                and _too_many(n, before, days, length)
            ):
                reason[rows[inside & waiting & (reason[rows] == "")]] = what
                counted &= ~(inside & waiting)


def _too_many(n: int, before: int, days: int, length: int) -> bool:
    """Whether ``before`` in so many days leave hardly any chance of ``n`` in ``length`` days (gamma-Poisson)."""
    return float(nbinom.sf(n - 1, before + 0.5, days / (days + length))) < _ALPHA
