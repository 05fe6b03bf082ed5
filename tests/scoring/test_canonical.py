"""The bytes of a canonical body against the slow, obviously right way to write them."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.decision import Action, Decision, Product, Reason, RiskGrade, Versions
from scoring.canonical import canonical_bytes

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
REASONS = st.lists(st.builds(Reason, TEXT, TEXT, TEXT), max_size=4).map(tuple)


def decisions() -> st.SearchStrategy[Decision]:
    fields: dict[str, Any] = {
        "decision_id": TEXT, "product": st.sampled_from(Product), "event_id": TEXT,
        "decided_at": st.integers(-(2**62), 2**62), "risk_grade": st.sampled_from(RiskGrade),
        "action": st.sampled_from(Action), "score": st.none() | NUMBERS, "reasons": REASONS, "rule_reasons": REASONS,
        "versions": st.builds(Versions, TEXT, TEXT, TEXT, TEXT, TEXT), "degraded": st.none() | TEXT,
        "credit_grade": st.none() | TEXT, "pd_band": st.none() | st.tuples(NUMBERS, NUMBERS),
        "pd_horizon": st.none() | TEXT, "step_up_hint": st.none() | TEXT,
        "flags": st.lists(TEXT, max_size=3).map(tuple),
        "timings_us": st.dictionaries(TEXT, st.integers(0, 10**6), max_size=2),
    }  # fmt: skip
    assert set(fields) == set(Decision.__dataclass_fields__)
    return st.builds(Decision, **fields)


@given(decisions())
def test_the_bytes_are_those_of_the_body_with_its_names_sorted(decision: Decision) -> None:
    assert canonical_bytes(decision) == msgspec.json.encode(decision.canonical(), order="sorted")
