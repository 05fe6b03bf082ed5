"""A clean table of loans, as a lender might keep it, and faults to plant in it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

TARGET, TIME, GROUP, KNOWN = "bad", "applied_at", "customer_id", "settled_at"
START = np.datetime64("2026-01-05T00:00:00", "us")
N = 4_000


def clean(seed: int = 0, n: int = N) -> pd.DataFrame:
    """Columns that go together as people's do; the target takes them and chance (AUC near .75, 15 % bad)."""
    rng = np.random.default_rng(seed)
    wealth, age = rng.normal(size=n), 20 + 45 * rng.beta(1.6, 2.2, n)
    income = np.round(np.exp(8.6 + 0.45 * wealth + 0.2 * rng.normal(size=n)) * (1 + 0.1 * (rng.random(n) < 0.3)), 2)
    term = rng.choice([6, 12, 18, 24, 36], n, p=[0.1, 0.35, 0.2, 0.25, 0.1])
    amount = np.round(np.exp(9.4 + 0.3 * wealth + 0.5 * rng.gamma(2.0, 0.5, n)) * term / 18, 2)
    late = rng.poisson(np.exp(-0.6 - 0.7 * wealth))
    logit = -2.5 - 0.5 * wealth + 0.55 * late + 0.25 * np.log(amount / income) - 0.01 * (age - 40)
    time = START + np.sort(rng.integers(0, 180 * 86_400, n)) * np.timedelta64(1_000_000, "us")
    bureau = np.where(rng.random(n) < 0.1, np.nan, np.round(600 + 60 * wealth - 15 * late + 40 * rng.gamma(2, 1, n)))
    bad = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    return pd.DataFrame(
        {
            TIME: time, GROUP: rng.integers(10_000, 10_000 + 3 * n, n), "age": np.floor(age), "income": income,
            "amount": amount, "term": term, "n_late": late, "bureau": bureau,
            "utilisation": np.round(rng.beta(2, 3 + np.clip(wealth, -2, 5), n), 4),
            "channel": rng.choice(["app", "branch", "web"], n, p=[0.6, 0.25, 0.15]),
            "region": rng.choice([f"r{k:02d}" for k in range(25)], n), TARGET: bad,
            KNOWN: time + (rng.integers(300, 365, n) * np.timedelta64(86_400_000_000, "us")),
        }
    )  # fmt: skip


def events(frame: pd.DataFrame) -> np.ndarray:
    return frame[TARGET].to_numpy() == 1


def leaked_score(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return frame.assign(final_score=np.round(-frame[TARGET] + rng.normal(0, 0.4, len(frame)), 3))


def leaked_category(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    queues = np.where(events(frame), "q7", rng.choice(["q1", "q2", "q7"], len(frame), p=[0.5, 0.49, 0.01]))
    return frame.assign(queue=queues)


def leaked_band(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Not monotone: bad loans lie in the middle."""
    wide = rng.normal(0, 3, len(frame))
    return frame.assign(gap=np.where(events(frame), rng.normal(0, 0.05, len(frame)), wide))


def leaked_by_missing(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    filled = np.where(rng.random(len(frame)) < 0.95, events(frame), ~events(frame))
    return frame.assign(visit=np.where(filled, rng.normal(size=len(frame)), np.nan))


def late_time(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    later = frame[TIME] + pd.to_timedelta(rng.integers(1, 40, len(frame)), unit="D")
    return frame.assign(contacted_on=later.dt.strftime("%Y-%m-%d %H:%M:%S"))


def events_only(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    step = np.where(events(frame) & (rng.random(len(frame)) < 0.4), rng.integers(1, 90, len(frame)), -1)
    return frame.assign(agency_step=step)


def one_day_without_events(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The last tenth has no label yet, and somebody wrote 0."""
    young = np.arange(len(frame)) >= 0.9 * len(frame)
    return frame.assign(**{TARGET: np.where(young, 0, frame[TARGET])})


def cents(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return _scaled(frame, "amount", 100)


def thousands(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return _scaled(frame, "income", 1 / 1_000)


def _scaled(frame: pd.DataFrame, name: str, factor: float) -> pd.DataFrame:
    later = np.arange(len(frame)) > 0.63 * len(frame)
    return frame.assign(**{name: np.where(later, frame[name] * factor, frame[name])})


def twice(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Two rows in five are there again, recorded by a second system."""
    return _again(frame, rng, 0.0)


def nearly_twice(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return _again(frame, rng, 1e-3)


def _again(frame: pd.DataFrame, rng: np.random.Generator, noise: float) -> pd.DataFrame:
    copy = frame.sample(frac=0.6, random_state=int(rng.integers(1_000))).copy()
    for name in ("income", "amount", "utilisation"):
        copy[name] = copy[name] * (1 + noise * rng.normal(size=len(copy)))
    return pd.concat([frame, copy], ignore_index=True).sample(frac=1.0, random_state=3, ignore_index=True)


RED: dict[str, tuple[Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame], str, str | None]] = {
    "a score of the collections desk": (leaked_score, "leaked_column", "final_score"),
    "a queue": (leaked_category, "leaked_column", "queue"),
    "a band in the middle": (leaked_band, "leaked_column", "gap"),
    "filled for the bad": (leaked_by_missing, "leaked_column", "visit"),
    "a time after the event": (late_time, "late_column", "contacted_on"),
    "filled for some of the bad only": (events_only, "late_column", "agency_step"),
    "labels that have not come": (one_day_without_events, "label_sanity", None),
    "yuan become fen": (cents, "unit_drift", "amount"),
    "whole become thousands": (thousands, "unit_drift", "income"),
}
"""Fault → how it is planted, the check that must be red, the column it must name; in a table with time."""
