"""The canonical body of a decision as bytes: what the ledger keeps and a replay must reproduce bit for bit.

`Decision.canonical` says what is in it; the bytes are JSON with sorted names and shortest exact floats. Here the names
lie sorted in a struct, so that nothing is sorted, and no dict built, for each decision: 2 µs where that took 5.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec
from msgspec import UNSET, UnsetType

from domain.decision import GRADE_ZH, Decision, Product, Reason, Versions


class _Said(msgspec.Struct, frozen=True, gc=False):
    """A reason; names in their order, as below."""

    code: str
    en: str
    zh: str


class _Named(msgspec.Struct, frozen=True, gc=False):
    """The versions."""

    code: str
    features: str
    lists: str
    model: str
    policy: str


class _Body(msgspec.Struct, frozen=True, gc=False):
    """The body; loan fields are unset for payments, the hint where there is none."""

    action: str
    credit_grade: str | UnsetType | None
    decided_at: int
    decision_id: str
    degraded: str | bool
    event_id: str
    flags: tuple[str, ...]
    pd_band: tuple[float, float] | UnsetType | None
    pd_horizon: str | UnsetType | None
    product: str
    reasons: list[_Said]
    risk_grade: str
    risk_grade_zh: str
    rule_reasons: list[_Said]
    score: float | None
    step_up_hint: str | UnsetType
    versions: _Named


_encode = msgspec.json.Encoder().encode


def canonical_bytes(decision: Decision) -> bytes:
    """The bytes a replay must reproduce: JSON with sorted names and shortest exact floats, without timings."""
    loan = decision.product is Product.LOAN
    return _encode(
        _Body(
            decision.action.value,
            decision.credit_grade if loan else UNSET,
            decision.decided_at,
            decision.decision_id,
            False if decision.degraded is None else decision.degraded,
            decision.event_id,
            decision.flags,
            decision.pd_band if loan else UNSET,
            decision.pd_horizon if loan else UNSET,
            decision.product.value,
            [_said(reason) for reason in decision.reasons],
            decision.risk_grade.value,
            GRADE_ZH[decision.risk_grade],
            [_said(reason) for reason in decision.rule_reasons],
            decision.score,
            UNSET if decision.step_up_hint is None else decision.step_up_hint,
            _named(decision.versions),
        )
    )


def _said(reason: Reason) -> _Said:
    return _Said(reason.code, reason.en, reason.zh)


@lru_cache(maxsize=64)
def _named(versions: Versions) -> _Named:
    return _Named(versions.code, versions.features, versions.lists, versions.model, versions.policy)
