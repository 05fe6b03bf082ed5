"""What a trace has found: the number, the events behind it, and whether they give it again."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from domain.time import format_instant
from features.visible import Window

if TYPE_CHECKING:
    import pandas as pd

Number = float | str | None
"""A feature's value: a float, or text; None where there is none."""


@dataclass(frozen=True)
class Trace:
    """One number of one request.

    Parameters
    ----------
    value : computed from exactly the events that are listed as seen.
    expected : what was logged, or what a replay of the whole journal gives.
    same : whether both are equal bit for bit.
    events : of aggregates: seq, event_id, event_time, value, role, why (not seen), without (the number
        had this event not been there; null for those not seen), oldest first.
    expression, inputs : of derived features.
    """

    feature: str
    form: str
    value: Number
    expected: Number
    same: bool
    seq: int
    event_id: str
    event_time: int
    view: str | None = None
    entity: str | None = None
    key: str | None = None
    window: Window | None = None
    events: pa.Table | None = None
    expression: str | None = None
    inputs: tuple[Trace, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether this number and all it was derived from came out again."""
        return self.same and all(one.proven for one in self.inputs)

    @property
    def seen(self) -> pa.Table:
        """The events that the request sees; none for a feature that is no aggregate."""
        events = empty_events() if self.events is None else self.events
        return events.filter(pc.is_null(events["why"]))

    @property
    def unseen(self) -> dict[str, int]:
        """Why events of the entity are not seen → how many."""
        if self.events is None:
            return {}
        counts = pc.value_counts(self.events["why"].drop_null()).to_pylist()
        return {one["values"]: one["counts"] for one in sorted(counts, key=lambda one: -one["counts"])}

    def frame(self) -> pd.DataFrame:
        """The events of this number and of its inputs; a column ``feature`` says of which."""
        import pandas as pd

        frames: list[pd.DataFrame] = [] if self.events is None else [self.events.to_pandas()]
        for frame in frames:
            frame.insert(0, "feature", self.feature)
        frames += [frame for one in self.inputs if len(frame := one.frame())]
        if frames:
            return pd.concat(frames, ignore_index=True)
        none: pd.DataFrame = empty_events().to_pandas()
        none.insert(0, "feature", "")
        return none

    def as_dict(self) -> dict[str, Any]:
        """For JSON: a number that is none is null, an instant is text."""
        found: dict[str, Any] = {
            "feature": self.feature,
            "form": self.form,
            "value": _plain(self.value),
            "expected": _plain(self.expected),
            "same": self.same,
            "request": {
                "seq": self.seq,
                "event_id": self.event_id,
                "event_time": format_instant(self.event_time),
            },
        }
        if self.window is not None and self.events is not None:
            found |= {
                "view": self.view,
                "entity": self.entity,
                "key": self.key,
                "window": [format_instant(self.window.low), format_instant(self.window.high)],
                "events": [_record(row) for row in self.seen.to_pylist()],
                "unseen": self.unseen,
                "unseen_events": [
                    _record(row) for row in self.events.filter(pc.is_valid(self.events["why"])).to_pylist()
                ],
            }
        if self.form == "derived":
            found |= {"expression": self.expression, "inputs": [one.as_dict() for one in self.inputs]}
        return found


def empty_events() -> pa.Table:
    """The columns of `Trace.events` without rows."""
    texts = dict.fromkeys(("event_id", "role", "why"), pa.string())
    schema = {"seq": pa.int64(), "event_id": texts["event_id"], "event_time": pa.timestamp("us", "UTC"),
              "value": pa.float64(), "role": texts["role"], "why": texts["why"], "without": pa.float64()}  # fmt: skip
    return pa.schema(list(schema.items())).empty_table()


def same_number(left: Number, right: Number) -> bool:
    """Equal bit for bit; one NaN is as good as another.

    Examples
    --------
    >>> same_number(0.1 + 0.2, 0.3), same_number(float("nan"), float("nan")), same_number("qr", None)
    (False, True, False)
    """
    if isinstance(left, float) and isinstance(right, float):
        return (math.isnan(left) and math.isnan(right)) or struct.pack("d", left) == struct.pack("d", right)
    return left == right


def _plain(value: Number) -> Number:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _record(row: dict[str, Any]) -> dict[str, Any]:
    at = row["event_time"].isoformat().replace("+00:00", "Z")
    return {**row, "event_time": at, "value": _plain(row["value"]), "without": _plain(row["without"])}
