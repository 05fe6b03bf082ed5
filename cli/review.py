"""``assay review``: findings on a bundle, and a signed verdict by somebody who did not train it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    from training.review import Review, Subject
    from training.review_log import ReviewLog

_RULINGS = {"approve": "approve", "conditions": "approve with conditions", "reject": "reject"}


def review(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL[@VERSION]", help="fraud, credit@champion, fraud@3.")],
    finding: Annotated[str | None, typer.Option(metavar="TEXT", help="Raise a finding.")] = None,
    severity: Annotated[
        Literal["red", "amber", "note"], typer.Option(help="Of the finding; an open red one stops promotion.")
    ] = "amber",
    owner: Annotated[str, typer.Option(metavar="NAME", help="Who must act on the finding.")] = "",
    due: Annotated[str, typer.Option(metavar="DATE", help="By when, as 2027-01-31.")] = "",
    close: Annotated[str | None, typer.Option(metavar="ID", help="Close a finding.")] = None,
    waive: Annotated[str | None, typer.Option(metavar="ID", help="Accept a finding as it is.")] = None,
    reopen: Annotated[str | None, typer.Option(metavar="ID", help="Open a finding again.")] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it is closed, waived or opened again.")] = "",
    verdict: Annotated[
        Literal["approve", "conditions", "reject"] | None, typer.Option(help="Rule on the bundle.")
    ] = None,
    condition: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="What an approval with conditions depends on; repeatable.")
    ] = None,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Said with the verdict.")] = "",
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="When the verdict ends: 90d, or an ISO 8601 time.")
    ] = None,
    reviewer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who reviews, never the trainer; the actor by default.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Record findings and a signed verdict on a model's bundle; without options show where its review stands.

    `assay promote` refuses a bundle without a valid approval. The challenger is meant unless a version is named.

      assay review fraud
      assay review fraud --finding "no refunds in training" --severity red --owner lin --due 2027-01-31
      assay review fraud --waive F1 --reason "refunds start in May" --reviewer wang
      assay review fraud --verdict approve --expires 90d --reviewer wang
    """
    import os

    from cli.screen import print_json
    from domain.errors import InputError, expected_got
    from domain.time import system_clock
    from training.review import Severity, Status
    from training.review_log import ReviewLog, publish, subject_of
    from training.tracking import CHALLENGER, Tracker

    session = session_of(context)
    asked = [option for option in (finding, close, waive, reopen, verdict) if option is not None]
    if len(asked) > 1:
        raise InputError(expected_got("one of --finding, --close, --waive, --reopen, --verdict", asked, "review"))
    name, _, which = model.partition("@")
    tracker = Tracker.open(session.home, os.environ)
    subject = subject_of(tracker, name, which or CHALLENGER)
    log = ReviewLog.open(session.home, os.environ, system_clock)
    by = session.actor if reviewer is None else reviewer
    if finding is not None:
        log.find(subject, Severity(severity), finding, owner, due, by)
    for id_, status in ((close, Status.CLOSED), (waive, Status.WAIVED), (reopen, Status.OPEN)):
        if id_ is not None:
            log.settle(subject, id_, status, reason, by)
    if verdict is not None:
        _rule(session, log, subject, verdict, by, expires, tuple(condition or ()), comment)
    said = log.of(subject)
    if asked:
        publish(tracker, said, log)
    if as_json:
        print_json({**said.as_dict(), "standing": said.standing(log.now())})
    else:
        show_review(said, log.now())


def _rule(
    session: Session,
    log: ReviewLog,
    subject: Subject,
    verdict: str,
    by: str,
    expires: str | None,
    conditions: tuple[str, ...],
    comment: str,
) -> None:
    from cli.promote import gate_settings
    from domain.errors import InputError
    from domain.time import parse_duration, parse_instant
    from training.review import Ruling

    longest = gate_settings(session).review.valid_for
    if expires is None:
        at = log.now() + longest
    else:
        try:
            at = log.now() + parse_duration(expires)
        except InputError:
            at = parse_instant(expires, session.platform().time_zone)
    log.rule(
        subject, Ruling(_RULINGS[verdict]), by, expires_at=at, longest=longest, conditions=conditions, comment=comment
    )


def show_review(said: Review, now: int) -> None:
    """Findings, the verdict and what to do next."""
    from cli.screen import out, say, table

    subject = said.subject
    rows = [
        [f.id, f.severity.value, f.status.value, f.text, f.owner, f.due, f.raised_by, f.reason] for f in said.findings
    ]
    columns = ["id", "severity", "status", "finding", "owner", "due", "raised by", "reason"]
    out().print(table(f"review of {subject.name} version {subject.version}", columns, rows))
    say(f"bundle {subject.bundle}, trained by {subject.trainer}")
    verdict = said.verdict
    if verdict is None:
        say(f"no verdict yet: assay review {subject.name}@{subject.version} --verdict approve --reviewer NAME")
        return
    say(f"{said.standing(now)} by {verdict.reviewer} (unverified) at {verdict.at}, until {verdict.expires_at}")
    for text in verdict.conditions:
        say(f"on condition: {text}")
    if verdict.comment:
        say(verdict.comment)
