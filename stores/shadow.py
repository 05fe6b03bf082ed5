"""What challengers in the shadow would have said: a SQLite file of its own, outside the ledger and its chain.

It is written behind the answer path; that the ledger's file is another one means that neither waits for the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pyarrow as pa

from stores.database import Database

# Each entry is one migration and is never edited after it has been released; append a new one instead.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE shadow (
        model       TEXT NOT NULL,
        decision_id TEXT NOT NULL,
        product     TEXT NOT NULL,
        seq         INTEGER NOT NULL,
        decided_at  INTEGER NOT NULL,
        raw_score   REAL NOT NULL,
        score       REAL NOT NULL,
        risk_grade  TEXT NOT NULL,
        action      TEXT NOT NULL,
        policy      TEXT NOT NULL,
        took_us     INTEGER NOT NULL,
        PRIMARY KEY (model, decision_id)
    ) WITHOUT ROWID;
    CREATE INDEX shadow_order ON shadow (model, seq);
    CREATE TABLE skipped (
        model  TEXT NOT NULL,
        reason TEXT NOT NULL,  -- queue, timeout, failed, restart
        n      INTEGER NOT NULL,
        PRIMARY KEY (model, reason)
    ) WITHOUT ROWID;
    """,
)


@dataclass(frozen=True, slots=True)
class ShadowScore:
    """What a challenger would have said of one decision.

    Parameters
    ----------
    seq : place of the decided event in the journal. decided_at : µs UTC, of the decision.
    action : as the policy in force would have taken it on this score; reasons are not computed in the shadow.
    """

    model: str
    decision_id: str
    product: str
    seq: int
    decided_at: int
    raw_score: float
    score: float
    risk_grade: str
    action: str
    policy: str
    took_us: int


_NAMES = tuple(column.name for column in fields(ShadowScore))
_TYPES = {"str": pa.string(), "int": pa.int64(), "float": pa.float64()}
_SCHEMA = pa.schema([(column.name, _TYPES[str(column.type)]) for column in fields(ShadowScore)])


class ShadowStore:
    """Keep and read the scores; use one per thread.

    Examples
    --------
    >>> import tempfile
    >>> store = ShadowStore(Path(tempfile.mkdtemp()) / "shadow.db")
    >>> made = ShadowScore("m", "d1", "payment", 7, 0, -1.5, 0.2, "normal", "approve", "p", 90)
    >>> store.keep("m", [made, made], {"timeout": 2})
    >>> store.read("m").num_rows, store.last_seq("m"), store.skipped("m")
    (1, 7, {'timeout': 2})
    """

    def __init__(self, path: Path, busy_seconds: float = 30.0) -> None:
        self._database = Database(path, busy_seconds, MIGRATIONS)

    def keep(self, model: str, scores: Sequence[ShadowScore], skipped: Mapping[str, int]) -> None:
        """Write scores, each once, and how many decisions were not scored and why, in one transaction."""
        marks = ", ".join("?" * len(_NAMES))
        with self._database.transaction():
            self._database.connection.executemany(
                f"INSERT OR IGNORE INTO shadow VALUES ({marks})",  # noqa: S608 - question marks
                (astuple(score) for score in scores),
            )
            self._database.connection.executemany(
                "INSERT INTO skipped VALUES (?, ?, ?) ON CONFLICT (model, reason) DO UPDATE SET n = n + excluded.n",
                ((model, reason, n) for reason, n in skipped.items() if n),
            )

    def read(self, model: str, *, since: int | None = None, until: int | None = None) -> pa.Table:
        """Scores of a model on decisions with ``since <= decided_at < until`` (µs UTC), in the order of ``seq``."""
        rows = self._database.execute(
            f"SELECT {', '.join(_NAMES)} FROM shadow "  # noqa: S608 - names of a dataclass
            "WHERE model = ? AND decided_at >= ? AND decided_at < ? ORDER BY seq",
            (model, -(2**62) if since is None else since, 2**62 if until is None else until),
        )
        columns = zip(*rows, strict=True) if rows else [()] * len(_SCHEMA)
        return pa.table([pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA)

    def last_seq(self, model: str) -> int | None:
        """The newest scored decision's ``seq``; None when there is none."""
        (found,) = self._database.one("SELECT max(seq) FROM shadow WHERE model = ?", (model,))
        return None if found is None else int(found)

    def models(self, product: str) -> dict[str, int]:
        """Model → how many decisions it has scored."""
        return dict(
            self._database.execute(
                "SELECT model, count(*) FROM shadow WHERE product = ? GROUP BY model ORDER BY max(seq)", (product,)
            )
        )

    def skipped(self, model: str) -> dict[str, int]:
        """Reason → how many decisions it has not scored."""
        return dict(self._database.execute("SELECT reason, n FROM skipped WHERE model = ? ORDER BY reason", (model,)))

    def close(self) -> None:
        """Release the file."""
        self._database.close()
