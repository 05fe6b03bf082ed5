"""What a parity audit found."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """A number that was logged and one that the journal gives now."""

    feature: str
    decision_id: str
    seq: int
    logged: float
    computed: float


@dataclass(frozen=True, slots=True)
class FeatureParity:
    """One feature, or one flag of the vector, over all compared decisions."""

    name: str
    n_compared: int
    n_different: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A decision that cannot be compared; ``by_design`` when it was made without features and says so."""

    decision_id: str
    seq: int
    cause: str
    by_design: bool


@dataclass(frozen=True, slots=True)
class Extra:
    """A request of a client of the service on which nobody decided."""

    seq: int
    client: str
    event_id: str


@dataclass(frozen=True)
class ParityReport:
    """Counts and findings of one product; ``n_values`` are the non-missing values among the compared."""

    product: str
    n_decisions: int
    n_compared: int
    n_matches: int
    n_values: int
    features: tuple[FeatureParity, ...]
    differences: tuple[Difference, ...]
    missing: tuple[Missing, ...]
    extra: tuple[Extra, ...]

    @property
    def n_mismatches(self) -> int:
        """Decisions of which at least one bit differs."""
        return self.n_compared - self.n_matches

    @property
    def lost(self) -> tuple[Missing, ...]:
        """Decisions whose request is not in the journal."""
        return tuple(one for one in self.missing if not one.by_design)

    @property
    def ok(self) -> bool:
        """No mismatch, and no decision without its request; the tolerance is zero."""
        return not self.n_mismatches and not self.lost

    def causes(self) -> dict[str, int]:
        """Why decisions are missing → how many."""
        return dict(Counter(one.cause for one in self.missing).most_common())

    def as_dict(self) -> dict[str, Any]:
        """For JSON: a number that is none is null."""
        return {
            "product": self.product,
            "ok": self.ok,
            "n_decisions": self.n_decisions,
            "n_compared": self.n_compared,
            "n_matches": self.n_matches,
            "n_mismatches": self.n_mismatches,
            "n_values": self.n_values,
            "missing": self.causes(),
            "n_extra": len(self.extra),
            "features": [asdict(one) for one in self.features],
            "differences": [_finite(asdict(one)) for one in self.differences],
            "lost": [asdict(one) for one in self.lost],
            "extra": [asdict(one) for one in self.extra],
        }


def _finite(record: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
