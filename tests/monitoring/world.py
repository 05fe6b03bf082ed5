"""A platform of payments that is watched: journal, decisions and outcomes of some weeks, quiet or with something in it.

Everything is drawn at once from one seed, so that a change (``plant``) leaves all else as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml

from domain.decision import Action, RiskGrade
from domain.settings import PlatformSettings
from domain.time import DAY, HOUR, parse_instant
from monitoring.oversight.look import Look
from monitoring.sight import Sight
from stores.bundles import point, write_manifest
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.ledger import Entry, Ledger
from stores.settings_files import load_settings

CONFIGS = Path(__file__).parents[2] / "configs"
START = parse_instant("2026-03-01T00:00:00+08:00")
MODEL = "397e4e40c9887d17b7a2b36746ee321069a568882caf32fc434205353db8a29d"
CANARY_MODEL = "ca" * 32
"""Bundle of the decisions that a frame says are the canary's."""
NAMES = ("amount", "count_1h", "mean_1d", "channel")
CHANNELS = ("bank_card", "mobile", "third_party_wallet")
REGIONS = ("east", "north", "south", "west")
CUTOFFS = (0.05, 0.2, 0.5)
ACTIONS = dict(zip(RiskGrade, (Action.APPROVE, Action.STEP_UP, Action.REVIEW, Action.DECLINE), strict=True))
PLATFORM = load_settings(CONFIGS / "platform.yaml", PlatformSettings)

Plant = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Scale:
    """How much of it there is."""

    days: int = 60
    per_day: int = 150
    customers: int = 400
    delay: int = 10 * DAY


def drawn(seed: int, scale: Scale) -> pd.DataFrame:
    """Payments with their score, true fraud, and when it is told."""
    rng = np.random.default_rng([20_261, seed])
    weekend = np.array([(day + 6) % 7 >= 5 for day in range(scale.days)])
    per_day = rng.poisson(scale.per_day * np.where(weekend, 0.85, 1.05))
    day = np.repeat(np.arange(scale.days), per_day)
    n = len(day)
    hour = np.clip(rng.normal(14, 4.5, n), 0, 23.99)
    time = START + day * DAY + (hour * HOUR).astype(np.int64)
    raw = rng.normal(-4.6, 1.3, n)
    score = 1 / (1 + np.exp(-raw))
    mean = rng.lognormal(3, 1, n)
    mean[rng.random(n) < 0.2] = np.nan
    frame = pd.DataFrame(
        {
            "event_time": time,
            "known_at": time,
            "customer_id": [f"c{each}" for each in rng.integers(0, scale.customers, n)],
            "payee_id": [f"p{each}" for each in rng.integers(0, 4 * scale.customers, n)],
            "merchant_id": [f"m{each}" for each in np.minimum(rng.geometric(0.03, n), 120)],
            "region": rng.choice(REGIONS, n, p=[0.4, 0.3, 0.2, 0.1]),
            "channel": rng.choice(CHANNELS, n, p=[0.5, 0.3, 0.2]),
            "amount": np.exp(rng.normal(8.5, 0.7, n)).astype(np.int64) + 100,
            "currency": "CNY",
            "count_1h": rng.poisson(0.5, n).astype(float),
            "mean_1d": mean,
            "raw_score": raw,
            "fraud": rng.random(n) < score,
            "told_after": (rng.random(n) * scale.delay).astype(np.int64) + HOUR,
            "degraded": rng.random(n) < 0.001,
            "decided": True,
            "total_us": rng.lognormal(7.5, 0.3, n).astype(np.int64),
            "code": "chargeback_fraud",
            "source": "issuer",
        }
    )
    return frame.sort_values("event_time", kind="stable").reset_index(drop=True)


@dataclass(frozen=True)
class World:
    """A home in which it all lies."""

    home: Home
    database: Database
    journal: Journal
    ledger: Ledger
    frame: pd.DataFrame
    configs: Path = CONFIGS

    def look(self, since: int, until: int) -> Look:
        return Look(self.home, self.configs, PLATFORM, self.database, self.journal, self.ledger, since, until)

    def sight(self, day: int) -> Sight:
        """The sight of one day, counted from the first."""
        return Sight(self.look(START + day * DAY, START + (day + 1) * DAY))


def make_world(root: Path, seed: int = 0, scale: Scale = Scale(), plant: Plant | None = None) -> World:
    """Write it into a home."""
    frame = drawn(seed, scale)
    if plant is not None:
        frame = plant(frame).sort_values("event_time", kind="stable").reset_index(drop=True)
    frame["event_id"] = [f"t{place:06d}" for place in range(len(frame))]
    frame["score"] = 1 / (1 + np.exp(-frame["raw_score"]))
    home = Home(root)
    _bundle(home)
    database = Database(home.database)
    # The answers of a test need not survive a power cut.
    database.execute("PRAGMA synchronous=OFF")
    journal, ledger = Journal(database, home.segments), Ledger(database, bytes(32))
    if len(frame):
        _write(journal, frame)
        _decide(ledger, journal, frame)
    return World(home, database, journal, ledger, frame)


def _bundle(home: Home) -> None:
    """The settings of a bundle, as far as the watch reads them, and the pointer to it."""
    staged = home.bundles / "staged"
    staged.mkdir(parents=True)
    said = {"names": list(NAMES), "categories": {"channel": list(CHANNELS)}}
    (staged / "settings.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    digest = write_manifest(staged, {})
    assert digest == MODEL
    staged.rename(home.bundles / digest)
    point(home.pointers, "payment", digest, 0)


def _write(journal: Journal, frame: pd.DataFrame) -> None:
    end = START + (int((frame["event_time"].max() - START) // DAY) + 1) * DAY
    fraud = frame[frame["fraud"]]
    known = fraud["event_time"] + fraud["told_after"]
    told = fraud.assign(known=known)[known < end]
    columns = ["event_id", "event_time", "known_at", "customer_id", "payee_id", "merchant_id", "region", "channel",
               "amount", "currency"]  # fmt: skip
    outcomes = pd.DataFrame(
        {
            "event_id": "o-" + told["event_id"],
            "event_time": told["known"],
            "known_at": told["known"],
            "subject_event_id": told["event_id"],
            "subject_kind": "transaction",
            "subject_time": told["event_time"],
            "code": told["code"],
            "source": told["source"],
        }
    )
    tables = {"transaction": frame[columns], "outcome": outcomes}
    journal.append_tables({k: pa.Table.from_pandas(t, preserve_index=False) for k, t in tables.items()}, "shop")


def _decide(ledger: Ledger, journal: Journal, frame: pd.DataFrame) -> None:
    rows = journal.read("transaction", columns=["event_id", "seq"])
    seq = dict(zip(rows["event_id"].to_pylist(), rows["seq"].to_pylist(), strict=True))
    code = {name: float(place) for place, name in enumerate(CHANNELS)}
    vectors = np.column_stack(
        [frame["amount"] / 100, frame["count_1h"], frame["mean_1d"], frame["channel"].map(code)]
    ).astype("<f8")
    grades = [list(RiskGrade)[place] for place in np.searchsorted(CUTOFFS, frame["score"], side="right")]
    entries = []
    for place, row in enumerate(frame.itertuples(index=False)):
        if not row.decided:
            continue
        said: Mapping[str, object] = {"degraded": "reasons dropped: deadline" if row.degraded else False}
        canary = getattr(row, "canary", False)
        if canary:
            said = {**said, "flags": ["canary"]}
        entries.append(
            Entry(
                decision_id=f"d-{row.event_id}", seq=seq[row.event_id], product="payment", client="shop",
                event_id=row.event_id, decided_at=int(row.event_time), model=CANARY_MODEL if canary else MODEL,
                action=ACTIONS[grades[place]].value, risk_grade=grades[place].value,
                raw_score=float(row.raw_score), score=float(row.score), body=json.dumps(said).encode(),
                timings=json.dumps({"score": int(row.total_us) // 3, "total": int(row.total_us)}).encode(),
                vector=vectors[place].tobytes(),
            )
        )  # fmt: skip
    with ledger.database.transaction():
        ledger.append_within(entries)
