"""Label policies: what outcomes mean together, against a slow reading of the rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DefinitionError
from domain.labels import CREDIT_POLICY, FRAUD_POLICY, LABEL_POLICIES, LabelPolicy, Verdict

POLICIES = list(LABEL_POLICIES.values())


@st.composite
def histories(draw: st.DrawFn) -> tuple[LabelPolicy, list[tuple[int, int, str]]]:
    policy = draw(st.sampled_from(POLICIES))
    codes = st.sampled_from(sorted(policy.verdicts))
    times = st.lists(st.tuples(st.integers(0, 3), codes), max_size=8)
    return policy, [(known_at, seq, code) for seq, (known_at, code) in enumerate(draw(times), start=1)]


@given(histories(), st.randoms(use_true_random=False))
def test_the_newest_telling_outcome_settles(
    case: tuple[LabelPolicy, list[tuple[int, int, str]]], random: object
) -> None:
    policy, outcomes = case
    telling = [o for o in outcomes if policy.verdicts[o[2]] is not Verdict.UNKNOWN]
    newest = max(telling, key=lambda outcome: outcome[:2], default=None)
    wanted = None if newest is None else policy.verdicts[newest[2]]
    assert policy.settle(outcomes) is wanted
    # The order in which they are handed over does not matter; what is known later, or arrives later, does.
    shuffled = list(outcomes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert policy.settle(shuffled) is wanted


def test_a_passed_step_up_is_never_by_itself_good() -> None:
    assert FRAUD_POLICY.settle([(1, 1, "step_up_passed")]) is None
    assert FRAUD_POLICY.settle([(1, 1, "chargeback_fraud"), (2, 2, "step_up_passed")]) is Verdict.POSITIVE


def test_not_every_chargeback_is_fraud_and_declined_traffic_is_not_good() -> None:
    assert FRAUD_POLICY.verdict("chargeback_dispute") is Verdict.NEGATIVE
    assert FRAUD_POLICY.verdict("first_party") is Verdict.INDETERMINATE
    assert FRAUD_POLICY.verdict("declined") is Verdict.CENSORED
    assert CREDIT_POLICY.verdict("refused") is Verdict.CENSORED
    assert CREDIT_POLICY.silence is Verdict.UNKNOWN


def test_corrections_reverse_what_was_known() -> None:
    wrongly_accused = [(5, 1, "confirmed_fraud"), (9, 2, "correction_genuine")]
    assert FRAUD_POLICY.settle(wrongly_accused) is Verdict.NEGATIVE
    assert FRAUD_POLICY.settle([*wrongly_accused, (12, 3, "correction_fraud")]) is Verdict.POSITIVE
    # Known at one instant: the one that arrived later.
    assert FRAUD_POLICY.settle([(5, 2, "correction_genuine"), (5, 1, "confirmed_fraud")]) is Verdict.NEGATIVE


@pytest.mark.parametrize("policy", POLICIES)
def test_a_code_without_a_verdict_stops_the_flow(policy: LabelPolicy) -> None:
    with pytest.raises(DefinitionError, match=policy.version):
        policy.verdict("alien_abduction")
    with pytest.raises(DefinitionError, match="alien_abduction"):
        policy.settle([(1, 1, "alien_abduction")])


@pytest.mark.parametrize("policy", POLICIES)
def test_policies_are_versioned_and_can_say_both(policy: LabelPolicy) -> None:
    assert LABEL_POLICIES[policy.version] is policy
    assert {Verdict.POSITIVE, Verdict.NEGATIVE} <= set(policy.verdicts.values())
