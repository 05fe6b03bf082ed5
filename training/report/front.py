"""The first section and the last: what a decision needs at a glance, and who stands for it.

Both are made from the sections between them and from the log of reviews. Nothing here says "validated": a program
states what checks found; a person other than the trainer rules on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from domain.decision import Product
from scoring.pages.numbers import value_of
from scoring.pages.page import Block, Cell, Facts, Prose, Section, Table, table_of
from scoring.pages.status import STATUS_WORDS, Status, worst
from scoring.pages.words import Say, Words, say
from training.report.evidence import Evidence
from training.report.norms import NORMS
from training.report.settings import ReportSettings
from training.review import Review, Ruling

DECISION, LIMITS = "decision", "limits"
N_TOP: Final = 10

_RULINGS = {Ruling.APPROVE: "approve", Ruling.CONDITIONS: "conditions", Ruling.REJECT: "reject"}


def decision(
    evidence: Evidence, settings: ReportSettings, sections: Sequence[Section], review: Review | None, now: int | None
) -> Section:
    """Purpose, tier, verdict with its expiry, the gravest findings, and how each section stands.

    Parameters
    ----------
    review : what was said of the bundle; None where no log was read.
    now : µs UTC, for whether the verdict has expired; None leaves that open.
    """
    found = [*_grave(sections, Status.RED), *_grave(sections, Status.AMBER)]
    top: tuple[Block, ...] = (Prose(say("front.none_found")),)
    if found:
        columns = [say(f"front.{name}") for name in ("section", "what", "value", "limit")]
        rows, statuses = [row for row, _ in found[:N_TOP]], tuple(status for _, status in found[:N_TOP])
        top = (table_of("top", say("front.top"), columns, rows, statuses=statuses),)
        if len(found) > N_TOP:
            top = (*top, Prose(say("front.more", n=len(found) - N_TOP), quiet=True))
    blocks = (
        Prose(say(f"front.purpose_{evidence.product.value}")),
        Facts("standing", tuple(_standing(evidence, settings, sections, review, now)), say("front.standing")),
        *top,
        _counts(sections),
    )
    return Section(DECISION, say("front.decision"), blocks)


def limits(evidence: Evidence, settings: ReportSettings, sections: Sequence[Section], review: Review | None) -> Section:
    """What statistics were held against, what reviewers found, who signed, and what was not run."""
    said: list[Block] = [Prose(say("front.limits_prose"))]
    if settings.light:
        said.append(Prose(say("front.light"), quiet=True))
    said += [
        *_raised(review),
        Facts("sign_off", tuple(_signed(evidence, review)), say("front.sign_off")),
        _left_out(sections),
        _held(sections),
        _norms(),
        Prose(say("front.norms_prose"), quiet=True),
    ]
    return Section(LIMITS, say("front.limits"), tuple(said))


def _grave(sections: Sequence[Section], status: Status) -> Iterator[tuple[tuple[Cell, ...], Status]]:
    for section in sections:
        for finding in section.findings:
            if finding.status is status:
                yield (section.title, finding.words, None, None), status
        for table in _judged(section):
            if worst(table.statuses or ()) is status:
                yield (section.title, table.title, None, None), status
        for each in section.statistics:
            if each.status is status:
                # Written here, for the row's other values are words; a unit is said with the value's own name.
                value = value_of(each, lambda words: words if isinstance(words, str) else "")
                yield (section.title, each.name, value, each.threshold or None), status


def _judged(section: Section) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table) and block.statuses]


def _statuses(section: Section) -> list[Status]:
    """Of its statistics, findings and judged tables; a table is as bad as its worst row."""
    told = [each.status for each in section.statistics] + [each.status for each in section.findings]
    return [*told, *(worst(table.statuses or ()) for table in _judged(section))]


def _standing(
    evidence: Evidence, settings: ReportSettings, sections: Sequence[Section], review: Review | None, now: int | None
) -> Iterator[tuple[Words, Cell]]:
    count: Counter[Status] = Counter()
    for section in sections:
        count.update(_statuses(section))
    said = say(
        "front.worst", status=STATUS_WORDS[worst(section.status for section in sections)], red=count[Status.RED],
        amber=count[Status.AMBER], passed=count[Status.PASS], open=count[Status.NOT_ASSESSED],
    )  # fmt: skip
    yield say("front.assessed"), said
    tier = settings.tiers.get(evidence.product)
    named = say("front.no_tier")
    if tier is not None:
        named = say("front.tier_is", tier=say(f"front.{tier.tier}"), source=tier.source.words)
    yield say("front.tier"), named
    yield from _verdict(review, now)


def _verdict(review: Review | None, now: int | None) -> Iterator[tuple[Words, Cell]]:
    verdict = None if review is None else review.verdict
    if verdict is None:
        yield say("front.verdict"), say("front.no_verdict")
        yield say("front.expires"), None
        return
    yield say("front.verdict"), say(f"front.{_RULINGS[verdict.ruling]}")
    over = now is not None and verdict.expired(now)
    yield say("front.expires"), say("front.expired", at=verdict.expires_at) if over else verdict.expires_at
    for text in verdict.conditions:
        yield say("front.condition"), text


def _counts(sections: Sequence[Section]) -> Table:
    shown = (Status.RED, Status.AMBER, Status.PASS, Status.NOT_ASSESSED)
    rows = []
    for section in sections:
        count = Counter(_statuses(section))
        rows.append((section.title, *(count[status] for status in shown)))
    columns = [say("front.section"), *(STATUS_WORDS[status] for status in shown)]
    statuses = tuple(section.status for section in sections)
    return table_of("counts", say("front.counts"), columns, rows, statuses=statuses)


def _raised(review: Review | None) -> tuple[Block, ...]:
    if review is None:
        return (Prose(say("front.no_review")),)
    if not review.findings:
        return (Prose(say("front.no_findings")),)
    names = ("id", "severity", "status", "text", "owner", "due", "raised_by", "reason")
    rows = [
        (
            f.id,
            say(f"front.{f.severity.value}"),
            say(f"front.{f.status.value}"),
            f.text,
            f.owner,
            f.due,
            f.raised_by,
            f.reason,
        )
        for f in review.findings
    ]
    return (table_of("raised", say("front.raised"), [say(f"front.{name}") for name in names], rows),)


def _signed(evidence: Evidence, review: Review | None) -> Iterator[tuple[Words, Cell]]:
    """Blank where nobody signed: a person can do so on paper."""
    verdict = None if review is None else review.verdict
    yield say("front.developer"), str(evidence.about.get("operator", ""))
    yield say("front.reviewer"), "" if verdict is None else verdict.reviewer
    yield say("front.verdict"), "" if verdict is None else say(f"front.{_RULINGS[verdict.ruling]}")
    yield say("front.signed_at"), "" if verdict is None else verdict.at
    yield say("front.expires"), "" if verdict is None else verdict.expires_at
    yield say("front.comment"), "" if verdict is None else verdict.comment
    yield say("front.signature"), "" if verdict is None else verdict.mac


def _left_out(sections: Sequence[Section]) -> Block:
    rows = [(section.title, words) for section in sections for words in section.not_run]
    if not rows:
        return Prose(say("front.nothing_left_out"))
    return table_of("left_out", say("front.left_out"), [say("front.section"), say("front.why")], rows)


def _held(sections: Sequence[Section]) -> Table:
    rows = [
        (section.title, each.name, each.threshold, each.source)
        for section in sections
        for each in section.statistics
        if each.threshold
    ]
    columns = [say(f"front.{name}") for name in ("section", "statistic", "limit", "source")]
    return table_of("held", say("front.held"), columns, rows, folded=True)


def _norms() -> Table:
    rows = [(norm.name, say(f"front.{norm.jurisdiction}"), _concerned(norm.products)) for norm in NORMS]
    columns = [say(f"front.{name}") for name in ("norm", "jurisdiction", "concerns")]
    return table_of("norms", say("front.norms"), columns, rows)


def _concerned(products: tuple[Product, ...]) -> Say:
    return say("front.both") if len(products) > 1 else say(f"front.{products[0].value}")
