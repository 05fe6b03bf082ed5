"""Alerts: decisions that were not approved, until a person has said what they were."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class AlertStatus(StrEnum):
    """What is known of an alert."""

    OPEN = "open"
    ESCALATED = "escalated"
    CONFIRMED_FRAUD = "confirmed_fraud"
    GENUINE = "genuine"


SETTLED = frozenset({AlertStatus.CONFIRMED_FRAUD, AlertStatus.GENUINE})
"""Statuses that say what the request was."""

OUTCOME_CODES: Mapping[str, Mapping[AlertStatus, str]] = MappingProxyType(
    {
        "payment": MappingProxyType(
            {AlertStatus.CONFIRMED_FRAUD: "confirmed_fraud", AlertStatus.GENUINE: "reviewed_genuine"}
        ),
        # That an applicant is who he says he is tells nothing of whether he will repay: no outcome.
        "loan": MappingProxyType({AlertStatus.CONFIRMED_FRAUD: "first_party_fraud"}),
    }
)
"""Product → status → the outcome that the disposition is."""

CORRECTION_CODES: Mapping[str, Mapping[AlertStatus, str]] = MappingProxyType(
    {
        "payment": MappingProxyType(
            {AlertStatus.CONFIRMED_FRAUD: "correction_fraud", AlertStatus.GENUINE: "correction_genuine"}
        ),
        "loan": MappingProxyType({AlertStatus.CONFIRMED_FRAUD: "first_party_fraud"}),
    }
)
"""As `OUTCOME_CODES`, where the alert was settled before."""


def outcome_code(product: str, before: AlertStatus, after: AlertStatus) -> str | None:
    """The outcome that a disposition writes; None when it says nothing about the request.

    Examples
    --------
    >>> outcome_code("payment", AlertStatus.OPEN, AlertStatus.GENUINE)
    'reviewed_genuine'
    >>> outcome_code("payment", AlertStatus.CONFIRMED_FRAUD, AlertStatus.GENUINE)
    'correction_genuine'
    >>> outcome_code("payment", AlertStatus.OPEN, AlertStatus.ESCALATED) is None
    True
    """
    codes = CORRECTION_CODES if before in SETTLED else OUTCOME_CODES
    return codes[product].get(after)
