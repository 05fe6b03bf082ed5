"""Gates on people: somebody else approves, and somebody else has reviewed. Both are firm."""

from __future__ import annotations

from domain.time import parse_instant
from training.gates.gate import Gate, Verdict
from training.review import Review, Ruling

_SOURCE = "docs/adr/0004-four-eyes.md"


def four_eyes(approver: str, operator: str) -> Gate:
    """A named person other than the one who trained.

    Examples
    --------
    >>> four_eyes("wang", "lin").passed, four_eyes(" Lin", "lin").passed, four_eyes(" ", "lin").passed
    (True, False, False)
    """
    named = approver.strip()
    limit = "a named person other than the trainer"

    def gate(verdict: Verdict, value: str) -> Gate:
        return Gate("approver", verdict, True, value, limit, _SOURCE)

    if not named:
        return gate(Verdict.FAILED, "expected the name of the approver, got none")
    if named.casefold() == operator.strip().casefold():
        return gate(Verdict.FAILED, f"expected somebody other than the trainer, got {named!r} who trained it")
    return gate(Verdict.PASSED, f"{named!r}, trained by {operator!r}")


def reviewed(review: Review | str, now: int, *, not_before: int = 0) -> Gate:
    """A verdict on this very bundle that approves, has not expired, and no open red finding.

    Parameters
    ----------
    review : what was said of the bundle, or why it cannot be relied on. now : µs UTC.
    not_before : µs UTC; an older verdict does not count, such as one from before the version was rolled back.
    """

    def gate(verdict: Verdict, value: str) -> Gate:
        return Gate("review", verdict, True, value, "a valid approval of this bundle, no open red finding", _SOURCE)

    if isinstance(review, str):
        return gate(Verdict.FAILED, review)
    verdict, subject = review.verdict, review.subject
    said = f"`assay review {subject.name}@{subject.version} --verdict …`"
    if verdict is None:
        return gate(Verdict.FAILED, f"expected a reviewer's verdict, got none; give one with {said}")
    if verdict.reviewer.casefold() == subject.trainer.strip().casefold():
        return gate(Verdict.FAILED, f"expected a reviewer other than the trainer, got {verdict.reviewer!r}")
    if verdict.ruling is Ruling.REJECT:
        return gate(
            Verdict.FAILED, f"{verdict.reviewer!r} rejected it at {verdict.at}: {verdict.comment or 'no words'}"
        )
    if verdict.expired(now):
        return gate(Verdict.FAILED, f"the verdict expired at {verdict.expires_at}; review it again with {said}")
    if parse_instant(verdict.at) < not_before:
        return gate(Verdict.FAILED, f"the verdict of {verdict.at} is older than the rollback; review again with {said}")
    if review.stopping:
        names = ", ".join(f"{each.id} ({each.owner}, due {each.due})" for each in review.stopping)
        return gate(Verdict.FAILED, f"red findings are open: {names}")
    conditions = f", on condition: {'; '.join(verdict.conditions)}" if verdict.conditions else ""
    return gate(Verdict.PASSED, f"{verdict.reviewer!r}: {verdict.ruling}, until {verdict.expires_at}{conditions}")
