"""Findings: what a case says its decisions were, and the outcome that each is under the label policy."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from domain.alerts import AlertStatus
from domain.errors import InputError, expected_got


class Finding(StrEnum):
    """What a person found a request to be."""

    FRAUD = "fraud"
    TAKEOVER = "takeover"
    SCAM = "scam"
    FIRST_PARTY = "first_party"
    GENUINE = "genuine"
    INCONCLUSIVE = "inconclusive"


FINDING_CODES: Mapping[str, Mapping[Finding, str | None]] = MappingProxyType(
    {
        "payment": MappingProxyType(
            {
                Finding.FRAUD: "confirmed_fraud",
                Finding.TAKEOVER: "account_takeover",
                Finding.SCAM: "authorised_scam",
                Finding.FIRST_PARTY: "first_party",
                Finding.GENUINE: "reviewed_genuine",
                Finding.INCONCLUSIVE: None,
            }
        ),
        # That an applicant is who he says he is tells nothing of whether he will repay: no outcome.
        "loan": MappingProxyType(
            {Finding.FRAUD: "first_party_fraud", Finding.GENUINE: None, Finding.INCONCLUSIVE: None}
        ),
    }
)
"""Product → finding → outcome code; None where the finding says nothing that a label could learn."""

_CORRECTIONS = {"confirmed_fraud": "correction_fraud", "reviewed_genuine": "correction_genuine"}

ALERT_STATUS: Mapping[Finding, AlertStatus] = MappingProxyType(
    {
        Finding.FRAUD: AlertStatus.CONFIRMED_FRAUD,
        Finding.TAKEOVER: AlertStatus.CONFIRMED_FRAUD,
        Finding.SCAM: AlertStatus.CONFIRMED_FRAUD,
        Finding.FIRST_PARTY: AlertStatus.CONFIRMED_FRAUD,
        Finding.GENUINE: AlertStatus.GENUINE,
        Finding.INCONCLUSIVE: AlertStatus.ESCALATED,
    }
)
"""What a finding makes of the alert; an inconclusive one leaves it with somebody."""


def finding_code(product: str, finding: Finding, before: str | None) -> str | None:
    """The outcome code of a finding; None when it says nothing new.

    Parameters
    ----------
    before : the code that was told of the same request earlier, None when none was.

    Raises
    ------
    InputError
        When the product knows no such finding, or no code of the policy takes back what was told before.

    Examples
    --------
    >>> finding_code("payment", Finding.GENUINE, None), finding_code("payment", Finding.GENUINE, "confirmed_fraud")
    ('reviewed_genuine', 'correction_genuine')
    >>> finding_code("loan", Finding.GENUINE, None) is None
    True
    """
    codes = FINDING_CODES[product]
    if finding not in codes:
        raise InputError(expected_got(f"one of {', '.join(codes)} for a {product}", finding.value, "finding"))
    code = codes[finding]
    if before is None:
        return code
    if code is None:
        raise InputError(
            expected_got(f"a finding that takes back {before}, told before of this {product}", finding.value, "finding")
        )
    told = _CORRECTIONS.get(code, code) if product == "payment" else code
    return None if before in (code, told) else told
