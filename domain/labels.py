"""Outcomes are not yet labels: a versioned policy says what each outcome means.

A chargeback is not always fraud; a passed step-up is never by itself good (takeovers and scams
pass a one-time password); refused and declined traffic is censored, not good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from domain.errors import DefinitionError, expected_got
from domain.time import DAY


class Verdict(StrEnum):
    """What an outcome says about its subject."""

    POSITIVE = "positive"  # fraud; bad
    NEGATIVE = "negative"  # not fraud; good
    UNKNOWN = "unknown"  # says nothing by itself
    INDETERMINATE = "indeterminate"  # neither good nor bad; kept out of training
    CENSORED = "censored"  # never had the chance to show its label
    EXCLUDED = "excluded"  # not of the population


@dataclass(frozen=True)
class LabelPolicy:
    """Outcome code → verdict, under a version that travels with every dataset.

    ``silence`` is the verdict of a mature subject without any telling outcome. ``earliest`` is the age of a subject, in
    µs, before which a code cannot be said of it; other codes can be said at any age.
    """

    version: str
    subject_kind: str
    verdicts: Mapping[str, Verdict]
    silence: Verdict
    earliest: Mapping[str, int] = field(default_factory=dict)

    def verdict(self, code: str) -> Verdict:
        """The verdict of one code.

        Raises
        ------
        DefinitionError
            When the policy does not name the code: a new code needs a new version.
        """
        try:
            return self.verdicts[code]
        except KeyError:
            known = ", ".join(self.verdicts)
            raise DefinitionError(expected_got(f"an outcome code out of {known}", code, self.version)) from None

    def settle(self, outcomes: Iterable[tuple[int, int, str]]) -> Verdict | None:
        """The newest telling verdict among (known_at, seq, code); None when none tells.

        Examples
        --------
        >>> FRAUD_POLICY.settle([(5, 1, "chargeback_fraud"), (9, 2, "correction_genuine")]).value
        'negative'
        >>> FRAUD_POLICY.settle([(5, 1, "step_up_passed")]) is None
        True
        """
        settled: Verdict | None = None
        for _, _, code in sorted(outcomes):
            verdict = self.verdict(code)
            if verdict is not Verdict.UNKNOWN:
                settled = verdict
        return settled


FRAUD_POLICY = LabelPolicy(
    version="fraud-2026-11",
    subject_kind="transaction",
    verdicts=MappingProxyType(
        {
            "chargeback_fraud": Verdict.POSITIVE,
            "confirmed_fraud": Verdict.POSITIVE,
            "authorised_scam": Verdict.POSITIVE,
            "account_takeover": Verdict.POSITIVE,
            "correction_fraud": Verdict.POSITIVE,
            "complaint_upheld": Verdict.POSITIVE,
            "correction_genuine": Verdict.NEGATIVE,
            "labelled_genuine": Verdict.NEGATIVE,
            "reviewed_genuine": Verdict.NEGATIVE,
            "chargeback_dispute": Verdict.NEGATIVE,
            # The card holder did it and denies it: a loss, but not what the model should learn as theft.
            "first_party": Verdict.INDETERMINATE,
            "dispute_opened": Verdict.UNKNOWN,
            "step_up_passed": Verdict.UNKNOWN,
            "step_up_failed": Verdict.UNKNOWN,
            "declined": Verdict.CENSORED,
        }
    ),
    silence=Verdict.NEGATIVE,
)
"""Card and account payments: silence after maturity is taken as not fraud."""

CREDIT_POLICY = LabelPolicy(
    version="credit-2026-11",
    subject_kind="application",
    verdicts=MappingProxyType(
        {
            "default_90dpd_12m": Verdict.POSITIVE,
            "labelled_bad": Verdict.POSITIVE,
            "first_party_fraud": Verdict.POSITIVE,
            "performing_12m": Verdict.NEGATIVE,
            "repaid": Verdict.NEGATIVE,
            "labelled_good": Verdict.NEGATIVE,
            "past_due_30_89": Verdict.INDETERMINATE,
            "refused": Verdict.CENSORED,
            # That a refusal was wrong says nothing of whether the applicant repays.
            "complaint_upheld": Verdict.UNKNOWN,
            "not_disbursed": Verdict.EXCLUDED,
            "withdrawn": Verdict.EXCLUDED,
        }
    ),
    silence=Verdict.UNKNOWN,
    # Twelve months, of which the last may end on the 28th instead of the 31st.
    earliest=MappingProxyType({"performing_12m": 360 * DAY}),
)
"""Loans: bad is 90+ days past due within 12 months of disbursement; silence says nothing."""

LABEL_POLICIES: Mapping[str, LabelPolicy] = MappingProxyType(
    {policy.version: policy for policy in (FRAUD_POLICY, CREDIT_POLICY)}
)
