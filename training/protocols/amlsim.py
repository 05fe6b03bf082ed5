"""AMLSim: accounts ranked from transfers alone, judged by the patterns that were confirmed later.

    transfers --mapping--> journal      probes: one question per account after a step --features--> X of that step
    X(learn_at), confirmed by validate_at  --search--> X(validate_at), confirmed by rank_at
    X(validate_at), confirmed by rank_at   --fit-->    X(rank_at): the accounts not yet confirmed, ranked

A pattern counts as confirmed at its account's ``fraudStep``; half of the flagged have none, so nobody knows when they
would have been told of: they never teach, and are found or missed among the rest. Accounts confirmed by a step are
known and are not ranked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import DataError, expected_got
from domain.events import Event, Value
from domain.settings import PlatformSettings
from domain.time import DAY
from features.catalogue import load as load_features
from features.replay import build_snapshot
from scoring.encode import Encoder
from scoring.flows.graph import Flows
from scoring.flows.scores import pattern_scores
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from training.families.family import Columns, Labelled
from training.families.lightgbm import LightGBM
from training.intervals import bootstrap
from training.progress import Progress, silent
from training.protocols.amlsim_settings import AmlsimSettings
from training.protocols.sources import journal_of
from training.protocols.table import MEASURED, BenchmarkTable, Cell, Line
from training.search import search

_PATTERNS = {
    "fan_in": "payers within a window",
    "fan_out": "payees within a window",
    "pass_through": "passed on within a window",
    "cycle": "cycles in time",
    "together": "the four patterns together",
}
_FAN_IN = "account_received_account_id_degree_365d"


def run_amlsim(
    settings: AmlsimSettings,
    platform: PlatformSettings,
    mapping: Path,
    data: Path,
    home: Home,
    *,
    command: str,
    progress: Progress = silent,
) -> BenchmarkTable:
    """Import once, ask for every account after three steps, learn from what was confirmed, rank the rest.

    Raises
    ------
    DataError
        When the accounts are not those of the sample.
    """
    accounts = Accounts.of(data / settings.accounts, settings)
    transfers = Transfers.of(journal_of(mapping, data / settings.file, home, platform, progress), data, settings)
    steps = (settings.learn_at, settings.validate_at, settings.rank_at)
    made = {step: transfers.features(step, accounts.node, settings, platform, progress) for step in steps}
    columns = made[settings.rank_at][1]
    earlier, later, asked = (made[step][0] for step in steps)
    teach = accounts.learnable(earlier, settings.learn_at, settings.validate_at)
    check = accounts.learnable(later, settings.validate_at, settings.rank_at)
    family = LightGBM(settings.seed, settings.threads)
    found = search(
        family, columns, [(teach, check)], settings.search, objective="average_precision", seed=settings.seed,
        progress=progress,
    )  # fmt: skip
    scores = {
        "random order": np.zeros(len(accounts.node)),
        "number of accounts that paid": np.nan_to_num(asked[:, columns.names.index(_FAN_IN)]),
        "isolation forest, no labels": _isolation(asked, settings.seed),
        **{
            f"{_PATTERNS[name]}, no labels": score
            for name, score in transfers.patterns(accounts.node, settings).items()
        },
        "LightGBM, our features": family.fit(columns, check, found.params, found.rounds).raw(asked),
    }
    lines = [accounts.line(name, raw, settings) for name, raw in scores.items()]
    # Ratios are ours over the others: ours comes first.
    lines.insert(0, lines.pop())
    return BenchmarkTable("amlsim", tuple(lines), _notes(settings, accounts, teach, check, columns), command)


def precision_at(y: np.ndarray, score: np.ndarray, k: float, weight: np.ndarray | None = None) -> float:
    """Share of positives among the k highest scores, NaN for none; ties count as a random order of them would.

    Parameters
    ----------
    weight : how often each row counts.

    Examples
    --------
    >>> precision_at(np.array([1, 0, 0, 1]), np.array([.9, .5, .5, .1]), 2)
    0.5
    >>> precision_at(np.array([1, 0]), np.zeros(2), 1)
    0.5
    """
    times = np.ones(len(y)) if weight is None else weight.astype(np.float64)
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    n = np.concatenate([[0.0], np.cumsum(times[order])[last]])
    hits = np.concatenate([[0.0], np.cumsum((times * y)[order])[last]])
    return float(np.interp(k, n, hits) / k) if k > 0 else float("nan")


@dataclass(frozen=True)
class Accounts:
    """The answer: ``node`` int64[n], ``flagged`` int8[n], ``step`` int64[n], −1 where none is told."""

    node: np.ndarray
    flagged: np.ndarray
    step: np.ndarray

    @classmethod
    def of(cls, path: Path, settings: AmlsimSettings) -> Accounts:
        """From the file, when its accounts are as many as the sample's.

        Raises
        ------
        DataError
            When it is absent or holds others.
        """
        if not path.is_file():
            raise DataError(f"{path}: expected the accounts of the data set, found none; name its folder with --data")
        table = pq.read_table(path, columns=["nodeid", "isFraud", "fraudStep"])
        node, flagged, step = (table[name].to_numpy() for name in table.column_names)
        got = (len(node), int(flagged.sum()))
        if got != (settings.n, settings.n_events):
            expected = f"{settings.n:,} accounts, {settings.n_events:,} of them flagged"
            raise DataError(expected_got(expected, f"{got[0]:,} and {got[1]:,}", "amlsim"))
        return cls(node, flagged.astype(np.int8), step)

    def known(self, step: int) -> np.ndarray:
        """Which accounts were confirmed by a step, bool[n]."""
        return (self.step >= 0) & (self.step <= step)

    def learnable(self, X: np.ndarray, step: int, until: int) -> Labelled:
        """Accounts not yet confirmed at a step, with what was confirmed until a later one."""
        rows = ~self.known(step)
        return Labelled(X[rows], self.known(until)[rows].astype(np.int8))

    def line(self, model: str, score: np.ndarray, settings: AmlsimSettings) -> Line:
        """Figures of the accounts not yet confirmed; then of those alone that have a step or were never flagged."""
        rows = np.flatnonzero(~self.known(settings.rank_at))
        dated = rows[(self.flagged[rows] == 0) | (self.step[rows] >= 0)]
        cells: dict[str, Cell] = {}
        for part, word in ((rows, ""), (dated, " dated")):
            y, raw = self.flagged[part], score[part]

            def statistic(
                weight: np.ndarray, y: np.ndarray = y, raw: np.ndarray = raw, at: str = word
            ) -> Mapping[str, float]:
                n_positive = float((weight * y).sum())
                return {
                    f"precision@{settings.top}{at}": precision_at(y, raw, settings.top, weight),
                    f"R-precision{at}": precision_at(y, raw, n_positive, weight),
                }

            whole = statistic(np.ones(len(y), np.int64))
            spread = bootstrap(statistic, len(y), None, settings.resamples, settings.seed)
            cells |= {name: Cell(value, spread[name].low, spread[name].high) for name, value in whole.items()}
        return Line(model, MEASURED, cells, len(rows), int(self.flagged[rows].sum()))


@dataclass(frozen=True)
class Transfers:
    """The journal's transfers with the tokens of the file's accounts."""

    table: pa.Table
    token: Mapping[int, str]

    @classmethod
    def of(cls, journal: Journal, data: Path, settings: AmlsimSettings) -> Transfers:
        """From the journal, in the file's order."""
        names = ["event_id", "event_time", "known_at", "account_id", "payee_id", "amount", "currency"]
        table = journal.read("transaction", columns=names).sort_by("event_id")
        file = pq.read_table(data / settings.file, columns=["sourceNodeId", "targetNodeId"])
        # Event ids were numbered by row, so their order is the file's.
        token: dict[int, str] = {}
        for node, key in (("sourceNodeId", "account_id"), ("targetNodeId", "payee_id")):
            token |= dict(zip(file[node].to_pylist(), table[key].to_pylist(), strict=True))
        return cls(table, token)

    def features(
        self, step: int, node: np.ndarray, settings: AmlsimSettings, platform: PlatformSettings, progress: Progress
    ) -> tuple[np.ndarray, Columns]:
        """What every account looked like after a step, float64[n, m]: one question each, asked at one instant.

        The questions see no transfer after the step and, being of one instant, not each other.
        """
        first = int(self.table["event_time"].to_numpy().min())
        asked_at = first + step * DAY
        rows = self.table.filter(pa.array(self.table["event_time"].to_numpy() < asked_at)).to_pylist()
        events = [_event(row) for row in rows]
        for place, name in enumerate(node.tolist()):
            body: dict[str, Value] = {
                "account_id": self.token.get(name, f"unseen-{name}"),
                "amount": 0,
                "currency": platform.base_currency,
            }
            events.append(Event("transaction", f"probe-{place:06}", asked_at, asked_at, body))
        journal = Journal(Database(Path(":memory:")), Path("no-segments"))
        journal.append(events)
        feature_set = load_features(settings.features, platform)
        snapshot = build_snapshot(
            feature_set, journal, platform, after=len(rows), threads=settings.threads,
            progress=lambda done, total, what: progress(f"features of step {step}", done, total, what),
        )  # fmt: skip
        table = snapshot.table.sort_by("event_id")
        return Encoder.fit(table, feature_set).matrix(table), Columns(feature_set.names, feature_set.categorical)

    def patterns(self, node: np.ndarray, settings: AmlsimSettings) -> dict[str, np.ndarray]:
        """Pattern → score of every account after ``rank_at``, float64[n]: no label, no column of the accounts."""
        time = self.table["event_time"].to_numpy()
        seen = self.table.filter(pa.array(time < time.min() + settings.rank_at * DAY))
        place = {self.token[name]: row for row, name in enumerate(node.tolist()) if name in self.token}
        payer, payee = ([place[each] for each in seen[key].to_pylist()] for key in ("account_id", "payee_id"))
        flows = Flows.of(len(node), payer, payee, seen["event_time"].to_pylist(), seen["amount"].to_pylist())
        return pattern_scores(flows, settings.patterns)


def _event(row: Mapping[str, object]) -> Event:
    body = {name: row[name] for name in ("account_id", "payee_id", "amount", "currency")}
    return Event("transaction", str(row["event_id"]), int(str(row["event_time"])), int(str(row["known_at"])), body)  # type: ignore[arg-type]


def _isolation(X: np.ndarray, seed: int) -> np.ndarray:
    """How easily each account is set apart, without any label."""
    from sklearn.ensemble import IsolationForest

    filled = np.nan_to_num(X, nan=-1.0)
    return np.asarray(-IsolationForest(n_estimators=200, random_state=seed).fit(filled).score_samples(filled))


def _notes(
    settings: AmlsimSettings, accounts: Accounts, teach: Labelled, check: Labelled, columns: Columns
) -> tuple[str, ...]:
    rows = ~accounts.known(settings.rank_at)
    undated = int(((accounts.step < 0) & (accounts.flagged == 1)).sum())
    n, flagged = int(rows.sum()), int(accounts.flagged[rows].sum())
    return (
        f"ranked at step {settings.rank_at}, from transfers up to it alone, {len(columns.names)} features: {n:,} "
        f"accounts not yet confirmed, {flagged:,} of them flagged in the end",
        f"learnt at step {settings.validate_at} from {int(check.y.sum())} accounts confirmed until step "
        f"{settings.rank_at}; parameters chosen one interval earlier, at step {settings.learn_at}, where "
        f"{int(teach.y.sum())} were",
        f"{undated} flagged accounts have no step: they never teach and are positives of the first two figures; the "
        f"dated figures leave them out, and their positives are confirmed after step {settings.rank_at}",
        f"ties count as a random order of them would; intervals: 95 %, {settings.resamples} resamples of accounts",
    )
