"""Reviews: findings and verdicts by people who did not train the model, signed, on the hash of one bundle."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from domain.errors import DataError, InputError, ModelError
from domain.time import DAY
from stores.home import Home
from training.gates.people import reviewed
from training.review import Opinion, Review, Ruling, Severity, Status, Subject
from training.review_log import ReviewLog

SUBJECT = Subject("fraud", 3, "a" * 64, "lin")
OTHER = Subject("fraud", 4, "b" * 64, "lin")
LONGEST = 180 * DAY


@pytest.fixture
def home(tmp_path: object) -> Home:
    return Home(tmp_path)  # type: ignore[arg-type]


@pytest.fixture
def log(home: Home) -> Iterator[ReviewLog]:
    ticks = count(1_770_000_000_000_000, 1_000_000)
    return ReviewLog.open(home, {}, lambda: next(ticks))  # type: ignore[return-value]


def rule(log: ReviewLog, ruling: Ruling = Ruling.APPROVE, by: str = "zhang", **changes: object) -> Review:
    given = {"expires_at": log.now() + 30 * DAY, "longest": LONGEST, **changes}
    return log.rule(SUBJECT, ruling, by, **given)  # type: ignore[arg-type]


def find(log: ReviewLog, severity: Severity = Severity.RED, subject: Subject = SUBJECT) -> Review:
    return log.find(subject, severity, "labels leak", "lin", "2026-12-31", "zhang")


def test_findings_are_numbered_settled_and_belong_to_one_bundle(log: ReviewLog) -> None:
    find(log)
    find(log, subject=OTHER)
    found = find(log, Severity.NOTE)
    assert [(each.id, each.severity, each.stops) for each in found.findings] == [
        ("F1", Severity.RED, True), ("F2", Severity.NOTE, False),
    ]  # fmt: skip
    assert [each.id for each in log.of(OTHER).findings] == ["F1"]
    waived = log.settle(SUBJECT, "F1", Status.WAIVED, "known and small", "zhang")
    assert waived["F1"].status is Status.WAIVED
    assert waived["F1"].reason.startswith("known and small (zhang, 2026-")
    assert waived.stopping == ()
    assert log.of(OTHER).stopping != ()
    assert log.settle(SUBJECT, "F1", Status.OPEN, "not so small", "zhang").stopping[0].id == "F1"
    assert waived.table().loc["F2", "owner"] == "lin"


@pytest.mark.parametrize("by", ["lin", "LIN ", ""])
def test_the_trainer_settles_and_rules_on_nothing(log: ReviewLog, by: str) -> None:
    find(log)
    with pytest.raises(ModelError, match="reviewer"):
        log.settle(SUBJECT, "F1", Status.CLOSED, "done", by)
    with pytest.raises(ModelError, match="reviewer"):
        rule(log, Ruling.REJECT, by)
    assert len(log.signatures(SUBJECT)) == 1


def test_what_is_incomplete_is_refused(log: ReviewLog) -> None:
    with pytest.raises(InputError, match="expected a date such as 2027-01-31, got 'soon'"):
        log.find(SUBJECT, Severity.RED, "labels leak", "lin", "soon", "zhang")
    with pytest.raises(InputError, match="expected a finding with its owner"):
        log.find(SUBJECT, Severity.RED, "labels leak", " ", "2026-12-31", "zhang")
    with pytest.raises(InputError, match="expected a finding out of none so far, got 'F1'"):
        log.settle(SUBJECT, "F1", Status.CLOSED, "done", "zhang")
    find(log)
    with pytest.raises(InputError, match="expected a reason for closed"):
        log.settle(SUBJECT, "F1", Status.CLOSED, " ", "zhang")
    with pytest.raises(InputError, match="it is open already"):
        log.settle(SUBJECT, "F1", Status.OPEN, "again", "zhang")
    for ends in (-DAY, LONGEST + DAY):
        with pytest.raises(InputError, match="expires: expected an instant within 180d from now"):
            rule(log, Ruling.REJECT, expires_at=log.now() + ends)
    for ruling, conditions in ((Ruling.CONDITIONS, ()), (Ruling.REJECT, ("a condition",))):
        with pytest.raises(InputError, match="conditions exactly with"):
            rule(log, ruling, conditions=conditions)


def test_an_approval_waits_for_open_red_findings_a_rejection_does_not(log: ReviewLog) -> None:
    find(log)
    with pytest.raises(ModelError, match="expected no open red finding for an approval, got F1"):
        rule(log)
    assert rule(log, Ruling.REJECT).standing(log.now()) == "reject"
    assert rule(log, Ruling.CONDITIONS, conditions=("close F1",)).verdict is not None
    log.settle(SUBJECT, "F1", Status.CLOSED, "the column was dropped", "zhang")
    assert rule(log).standing(log.now()) == "approve"
    assert log.of(SUBJECT).standing(log.now() + 31 * DAY) == "approve, expired"
    assert log.of(OTHER).verdict is None


def test_a_lost_key_is_not_replaced(log: ReviewLog, home: Home) -> None:
    find(log)
    (home.keys / "reviews.key").unlink()
    with pytest.raises(DataError, match="expected the key that signed the reviews, found none"):
        ReviewLog.open(home, {}, lambda: 0)
    assert ReviewLog.open(home, {"ASSAY_REVIEWS_KEY": "00" * 32}, lambda: 0) is not None


def opinion(ruling: Ruling, reviewer: str = "zhang") -> Opinion:
    conditions = ("watch it",) if ruling is Ruling.CONDITIONS else ()
    return Opinion(ruling, reviewer, "2026-02-02T00:00:00Z", "2026-08-01T00:00:00Z", conditions, "", "f" * 64)


NOW = 1_772_000_000_000_000  # 2026-02-25


@pytest.mark.parametrize(
    ("review", "now", "not_before", "said"),
    [
        (Review(SUBJECT, (), opinion(Ruling.APPROVE)), NOW, 0, ""),
        (Review(SUBJECT, (), opinion(Ruling.CONDITIONS)), NOW, 0, ""),
        ("line 3: the signature does not verify", NOW, 0, "line 3"),
        (Review(SUBJECT), NOW, 0, "got none"),
        (Review(SUBJECT, (), opinion(Ruling.REJECT)), NOW, 0, "rejected it"),
        (Review(SUBJECT, (), opinion(Ruling.APPROVE, "LIN")), NOW, 0, "other than the trainer"),
        (Review(SUBJECT, (), opinion(Ruling.APPROVE)), NOW + 365 * DAY, 0, "expired at 2026-08-01"),
        (Review(SUBJECT, (), opinion(Ruling.APPROVE)), NOW, NOW - DAY, "older than the rollback"),
    ],
    ids=["approved", "on conditions", "unsigned", "none", "rejected", "own", "expired", "withdrawn"],
)
def test_the_gate_lets_only_a_standing_approval_through(
    review: Review | str, now: int, not_before: int, said: str
) -> None:
    gate = reviewed(review, now, not_before=not_before)
    assert gate.passed is not bool(said)
    assert said in gate.value
    assert gate.firm
