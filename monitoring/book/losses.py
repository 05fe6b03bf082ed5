"""Expected loss: what the book owes, how likely each loan defaults within a year, and what is lost then.

    expected loss = Σ PD × LGD × balance

1. a loan in default (90 days and more)                          PD = 1
2. a current loan within a year of a decision with a score       PD = the ledger's calibrated probability
3. any other loan                                                PD = what loans of its bucket of arrears did before:
                                                                 of those in it at a month's end, the share that was in
                                                                 default a year later; only years that are over count

LGD is that of the pricing settings. What has no source is not assessed, and its exposure is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from monitoring.book.rolls import BUCKETS, buckets
from monitoring.book.tape import Floats, Ints, Tape
from monitoring.local_days import first_day, months
from scoring.interval import wilson

Origin = Literal["ledger", "pool", "default", "none"]

_PERFORMING = BUCKETS[: BUCKETS.index("90+")]
_SNAPSHOTS = 12


@dataclass(frozen=True, slots=True)
class Pool:
    """What loans of one bucket did within a year.

    Parameters
    ----------
    n : loans behind it, each counted once. n_rows : loan and month-end pairs. pd : None where too few.
    """

    bucket: str
    n: int
    n_rows: int
    pd: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Exposures:
    """Every loan that is owed today.

    Parameters
    ----------
    row : of the tape. balance : minor units. bucket : place in `BUCKETS`. pd : NaN where it has no source.
    origin : of the PD.
    """

    row: Ints
    balance: Floats
    bucket: Ints
    pd: Floats
    origin: npt.NDArray[np.object_]

    @property
    def total(self) -> float:
        """What is owed, minor units."""
        return float(self.balance.sum())

    @property
    def bad(self) -> npt.NDArray[np.bool_]:
        """Which are in default."""
        bad: npt.NDArray[np.bool_] = self.bucket == BUCKETS.index("90+")
        return bad

    def unassessed(self) -> float:
        """Balance whose PD has no source."""
        return float(self.balance[np.isnan(self.pd)].sum())


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the expected loss: loans of one bucket with PDs of one origin."""

    bucket: str
    origin: Origin
    n: int
    balance: float
    pd: float | None
    expected_loss: float | None


def pools(tape: Tape, least: int, confidence: float) -> tuple[Pool, ...]:
    """Default within the declared months by bucket of arrears, over the last month-ends a year of which is over."""
    rules = tape.conventions
    default = tape.reached(rules.default_days)
    today = int(months(np.array([tape.today]))[0])
    rows: dict[str, list[Ints]] = {name: [] for name in _PERFORMING}
    hits: dict[str, list[npt.NDArray[np.bool_]]] = {name: [] for name in _PERFORMING}
    for back in range(_SNAPSHOTS):
        at, after = (int(first_day(today - rules.default_months - back + ahead)) for ahead in (0, rules.default_months))
        place = buckets(tape, at)
        for name in _PERFORMING:
            # Who had been in default before and was cured is not at risk of a first one.
            mine = np.flatnonzero((place == BUCKETS.index(name)) & (default > at))
            rows[name].append(mine)
            hits[name].append(default[mine] <= after)
    return tuple(
        _pool(name, np.concatenate(rows[name]), np.concatenate(hits[name]), least, confidence) for name in rows
    )


def _pool(name: str, rows: Ints, hits: npt.NDArray[np.bool_], least: int, confidence: float) -> Pool:
    n = len(np.unique(rows))
    if n < least:
        return Pool(name, n, len(rows), None, None, None)
    rate = float(hits.mean())
    # A loan seen at several month-ends is one loan: the interval is that of as many loans, not of as many rows.
    return Pool(name, n, len(rows), rate, *wilson(round(rate * n), n, confidence))


def exposures(tape: Tape, decisions: pd.DataFrame, known: tuple[Pool, ...]) -> Exposures:
    """What is owed today and how likely each loan defaults.

    Parameters
    ----------
    decisions : as `monitoring.book.grades.graded` gives them.
    """
    place, balance = buckets(tape, tape.today), tape.balance(tape.today)
    row = np.flatnonzero((place >= 0) & (place <= BUCKETS.index("90+")) & (balance > 0)).astype(np.int64)
    bucket = place[row]
    pool = np.array([np.nan if each.pd is None else each.pd for each in known] + [1.0])
    pd_of = pool[bucket]
    origin = np.where(np.isnan(pd_of), "none", np.where(bucket == BUCKETS.index("90+"), "default", "pool")).astype(
        object
    )
    scores = decisions[decisions["score"].notna()].set_index("event_id")["score"]
    score = tape.loan["application_id"].map(scores).to_numpy(np.float64)[row]
    today = int(months(np.array([tape.today]))[0])
    young = today - tape.column("month")[row] <= tape.conventions.default_months
    told = (bucket == BUCKETS.index("current")) & young & np.isfinite(score)
    return Exposures(row, balance[row], bucket, np.where(told, score, pd_of), np.where(told, "ledger", origin))


def pieces(owed: Exposures, lgd: float | None) -> tuple[Piece, ...]:
    """The expected loss by bucket and origin of the PD; their sum is that of the book, as far as it is assessed."""
    found = []
    for place, bucket in enumerate(BUCKETS[: BUCKETS.index("90+") + 1]):
        for origin in ("ledger", "pool", "default", "none"):
            mine = (owed.bucket == place) & (owed.origin == origin)
            if not mine.any():
                continue
            balance, chance = owed.balance[mine], owed.pd[mine]
            total = float(balance.sum())
            mean = None if origin == "none" else float((balance * chance).sum()) / total
            loss = None if mean is None or lgd is None else mean * lgd * total
            found.append(Piece(bucket, origin, int(mine.sum()), total, mean, loss))
    return tuple(found)
