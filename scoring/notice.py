"""The notice to an applicant who was declined or passed to a person: what was decided, why, and whom to turn to.

Everything comes from the ledger: the decision as it was answered, and what the book and the policy it cites say may be
disclosed. Analysts' texts, scores and other people's data have no place in it, nor has anything of the restricted
class, which no reason book can hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from pydantic import Field, model_validator

from domain.decision import MAX_REASONS, Action, Product, Reason
from domain.errors import DataError, DefinitionError, InputError, expected_got
from domain.settings import Settings
from domain.time import business_day
from scoring.reasons import Concept, RuleReason
from scoring.replay import Cited

_KINDS = {Action.DECLINE.value: "declined", Action.REFER.value: "referred"}
_LONG = Field(min_length=1, max_length=2_000)
_SHORT = Field(min_length=1, max_length=200)


class Creditor(Settings):
    """Who decided, and who says so."""

    name_zh: str = _SHORT
    name_en: str = _SHORT
    address_zh: str = _SHORT
    address_en: str = _SHORT
    source: str = _SHORT


class ReviewContact(Settings):
    """Where a review by a person is asked for."""

    phone: str | None = None
    email: str | None = None
    post_zh: str | None = None
    post_en: str | None = None
    hours_zh: str | None = None
    hours_en: str | None = None
    source: str = _SHORT

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if not (self.phone or self.email or self.post_zh):
            raise ValueError("expected a phone, an email or a post address, got none")
        if bool(self.post_zh) != bool(self.post_en) or bool(self.hours_zh) != bool(self.hours_en):
            raise ValueError("expected post and hours in both languages, got one")
        return self


class Statement(Settings):
    """A text that somebody with authority wants in every notice."""

    zh: str = _LONG
    en: str = _LONG
    source: str = _SHORT


class Norm(Settings):
    """A norm that is named, with its jurisdiction; never paraphrased."""

    jurisdiction_zh: str = _SHORT
    jurisdiction_en: str = _SHORT
    zh: str = _SHORT
    en: str = _SHORT


class NoticeSettings(Settings):
    """``configs/notice.yaml``; without creditor and review no notice is written."""

    creditor: Creditor | None = None
    review: ReviewContact | None = None
    statements: tuple[Statement, ...] = ()
    norms: tuple[Norm, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """What one applicant is told.

    Parameters
    ----------
    kind : declined or referred. application : the number the application was sent under.
    reasons : those of the rules, then those of the model, at most four; empty where the decision has none.
    """

    kind: str
    decision_id: str
    application: str
    decided_on: date
    issued_on: date
    reasons: tuple[Reason, ...]
    creditor: Creditor
    review: ReviewContact
    statements: tuple[Statement, ...]
    norms: tuple[Norm, ...]


def notice_of(cited: Cited, settings: NoticeSettings, *, zone: str, issued_at: int) -> Notice:
    """The notice on a recorded decision.

    Parameters
    ----------
    cited : the decision with its book and policy, see `scoring.replay.Replayer.cited`.
    zone : business time zone of the dates. issued_at : µs UTC.

    Raises
    ------
    InputError
        When it is a payment, or was approved: nobody is owed a notice of that.
    DefinitionError
        When the settings do not say who the creditor is or whom to turn to.
    DataError
        When reasons were given but none may be disclosed: a person must write this notice.
    """
    entry = cited.entry
    where = f"decision {entry.decision_id}"
    if entry.product != Product.LOAN:
        raise InputError(expected_got("a decision on a loan application", f"one on a {entry.product}", where))
    if entry.action not in _KINDS:
        raise InputError(expected_got("an application that was declined or referred", entry.action, where))
    if settings.creditor is None or settings.review is None:
        absent = "creditor" if settings.creditor is None else "review"
        raise DefinitionError(
            f"configs/notice.yaml: expected creditor and review, with who settled them, got no {absent}; "
            "a notice names no lender and no contact of its own invention"
        )
    given = [Reason(**reason) for reason in (*cited.body["rule_reasons"], *cited.body["reasons"])]
    told = disclosable(given, cited)
    if given and not told:
        raise DataError(f"{where}: expected a reason that may be disclosed, got none; a person must write this notice")
    return Notice(
        kind=_KINDS[entry.action],
        decision_id=entry.decision_id,
        application=entry.event_id,
        decided_on=business_day(entry.decided_at, zone),
        issued_on=business_day(issued_at, zone),
        reasons=told[:MAX_REASONS],
        creditor=settings.creditor,
        review=settings.review,
        statements=settings.statements,
        norms=settings.norms,
    )


def disclosable(given: Sequence[Reason], cited: Cited) -> tuple[Reason, ...]:
    """The reasons that book and policy of the decision allow to be told, each text once, in their order.

    Raises
    ------
    DataError
        When a reason is in neither.
    """
    entries: list[Concept | RuleReason] = [*cited.policy.rule_reasons]
    entries += () if cited.bundle is None else cited.bundle.reason_book.concepts
    allowed = {entry.code: entry.disclosable for entry in entries}
    strange = [reason.code for reason in given if reason.code not in allowed]
    if strange:
        raise DataError(expected_got("reasons of the book and policy it cites", strange, cited.entry.decision_id))
    kept: dict[str, Reason] = {}
    for reason in given:
        if allowed[reason.code]:
            kept.setdefault(reason.zh, reason)
    return tuple(kept.values())
