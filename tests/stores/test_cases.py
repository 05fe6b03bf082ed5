"""Cases over real stores: what belongs together, four eyes, findings as outcomes, corrections with their history."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.alerts import AlertStatus
from domain.errors import DefinitionError, InputError
from domain.findings import FINDING_CODES, Finding, finding_code
from domain.labels import LABEL_POLICIES
from domain.matters import Matter, MatterState, Step
from domain.money import Money
from domain.outcomes import outcome_about
from domain.settings import PlatformSettings
from domain.time import DAY, HOUR, parse_instant
from stores.acts import Acts
from stores.alerts import Alerts
from stores.cases import Cases
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.ledger import Ledger
from stores.matter_settings import CaseSettings
from stores.settings_files import load_settings
from tests.stores.decisions import NOW, application, decision, payment

CONFIGS = Path(__file__).parents[2] / "configs"
CLOSED = NOW + 9 * HOUR


class Bench:
    """A home with three payments and a loan that were declined."""

    def __init__(self, root: Path) -> None:
        home = Home(root)
        self.database = Database(home.database)
        self.journal = Journal(self.database, home.segments)
        self.ledger = Ledger(self.database, bytes(32))
        for event in (payment("p1"), payment("p2"), payment("big", amount=5_000_001), application("l1")):
            decision(self.journal, self.ledger, event)
        self.alerts = Alerts(self.database)
        fx = load_settings(CONFIGS / "platform.yaml", PlatformSettings).fx_table()
        settings = load_settings(CONFIGS / "cases.yaml", CaseSettings)
        self.cases = Cases(self.journal, self.ledger, Acts(self.database, bytes(32)), settings, fx)

    def do(self, work: Callable[[], Matter]) -> Matter:
        """In a transaction of its own."""
        with self.database.transaction():
            return work()

    def working(self, *decisions: str) -> str:
        """A case that lin works on."""
        case = self.do(lambda: self.cases.open(decisions, at=NOW, actor="lin"))
        self.do(lambda: self.cases.matters.append_within(case.matter_id, Step.TAKEN, at=NOW + 1, actor="lin"))
        return case.matter_id

    def outcomes(self) -> list[tuple[Any, ...]]:
        rows = self.journal.read("outcome").to_pylist()
        return [(row["subject_event_id"], row["code"], row["known_at"] - row["event_time"]) for row in rows]

    def status(self, decision_id: str) -> AlertStatus:
        alert = self.alerts.get(decision_id)
        assert alert is not None
        return alert.status


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_finding_becomes_an_outcome_of_each_decision_and_settles_its_alert(bench: Bench) -> None:
    case = bench.working("d-p1", "d-p2")
    assert bench.status("d-p1") is AlertStatus.ESCALATED
    but = {"d-p2": Finding.GENUINE}
    closed = bench.do(lambda: bench.cases.close(case, Finding.TAKEOVER, at=CLOSED, actor="lin", but=but))
    assert closed.state is MatterState.CLOSED
    assert bench.outcomes() == [("p1", "account_takeover", 0), ("p2", "reviewed_genuine", 0)]
    assert {row["known_at"] for row in bench.journal.read("outcome").to_pylist()} == {CLOSED}
    assert (bench.status("d-p1"), bench.status("d-p2")) == (AlertStatus.CONFIRMED_FRAUD, AlertStatus.GENUINE)
    acts = Acts(bench.database, bytes(32))
    assert [(act.subject, act.body["finding"]) for act in acts.of("case_finding")] == [
        ("d-p1", "takeover"), ("d-p2", "genuine"),
    ]  # fmt: skip
    assert acts.verify() == [] == bench.ledger.verify()


def test_what_fails_half_way_leaves_nothing(bench: Bench) -> None:
    case = bench.working("d-p1", "d-p2")

    def interrupted() -> Matter:
        bench.cases.close(case, Finding.FRAUD, at=CLOSED, actor="lin")
        raise InterruptedError

    with pytest.raises(InterruptedError):
        bench.do(interrupted)
    assert bench.outcomes() == []
    assert bench.status("d-p1") is AlertStatus.ESCALATED
    assert bench.cases.matters.get(case).state is MatterState.WORKING


@pytest.mark.parametrize("finding", [Finding.FRAUD, Finding.FIRST_PARTY])
def test_much_at_stake_or_a_grave_finding_needs_a_second_person(bench: Bench, finding: Finding) -> None:
    case = bench.working("d-big" if finding is Finding.FRAUD else "d-p1")
    proposed = bench.do(lambda: bench.cases.close(case, finding, at=CLOSED, actor="lin"))
    assert proposed.state is MatterState.PROPOSED
    assert bench.outcomes() == []
    with pytest.raises(InputError, match="a second person to confirm what lin proposed"):
        bench.do(lambda: bench.cases.confirm(case, at=CLOSED, actor="lin"))
    with pytest.raises(InputError, match="expected a case that is working, got 'proposed'"):
        bench.do(lambda: bench.cases.close(case, Finding.GENUINE, at=CLOSED, actor="wang"))
    assert bench.outcomes() == []
    bench.do(lambda: bench.cases.confirm(case, at=CLOSED + 5, actor="wang"))
    assert len(bench.outcomes()) == 1


def test_exactly_the_amount_named_is_not_above_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    decision(bench.journal, bench.ledger, payment("edge", amount=5_000_000))
    case = bench.working("d-edge")
    assert bench.do(lambda: bench.cases.close(case, Finding.FRAUD, at=CLOSED, actor="lin")).state is MatterState.CLOSED


def test_a_proposal_can_be_sent_back(bench: Bench) -> None:
    case = bench.working("d-big")
    bench.do(lambda: bench.cases.close(case, Finding.FRAUD, at=CLOSED, actor="lin"))
    back = {"reason": "call the payee first"}
    bench.do(lambda: bench.cases.matters.append_within(case, Step.RETURNED, at=CLOSED + 1, actor="wang", body=back))
    again = bench.do(lambda: bench.cases.close(case, Finding.GENUINE, at=CLOSED + 2, actor="lin"))
    assert again.state is MatterState.PROPOSED


def test_a_correction_takes_back_what_was_told_and_keeps_it_in_the_history(bench: Bench) -> None:
    case = bench.working("d-p1")
    bench.do(lambda: bench.cases.close(case, Finding.FRAUD, at=CLOSED, actor="lin"))
    corrected = bench.do(
        lambda: bench.cases.correct(case, Finding.GENUINE, at=CLOSED + DAY, actor="wang", reason="she called back")
    )
    assert [each[1] for each in bench.outcomes()] == ["confirmed_fraud", "correction_genuine"]
    assert bench.status("d-p1") is AlertStatus.GENUINE
    told = [entry.body["findings"]["d-p1"] for entry in corrected.entries if "findings" in entry.body]
    assert told == ["fraud", "genuine"]
    # Told again, it is no news; told otherwise again, it is.
    bench.do(lambda: bench.cases.correct(case, Finding.GENUINE, at=CLOSED + DAY, actor="wang", reason="again"))
    assert len(bench.outcomes()) == 2
    bench.do(lambda: bench.cases.correct(case, Finding.FRAUD, at=CLOSED + DAY, actor="wang", reason="she lied"))
    assert [each[1] for each in bench.outcomes()][-1] == "correction_fraud"


def test_a_reopened_case_is_closed_again_with_a_correction(bench: Bench) -> None:
    case = bench.working("d-p1")
    bench.do(lambda: bench.cases.close(case, Finding.GENUINE, at=CLOSED, actor="lin"))
    again = bench.do(lambda: bench.cases.reopen(case, at=CLOSED + DAY, actor="wang", reason="a second card"))
    assert again.state is MatterState.WORKING
    assert again.timers["resolution"].started_at == CLOSED + DAY
    bench.do(lambda: bench.cases.close(case, Finding.FRAUD, at=CLOSED + 2 * DAY, actor="lin"))
    assert [each[1] for each in bench.outcomes()] == ["reviewed_genuine", "correction_fraud"]


def test_a_finding_after_the_door_already_told_one_is_a_correction(bench: Bench) -> None:
    with bench.database.transaction():
        bench.alerts.dispose_within(
            "d-p1", AlertStatus.CONFIRMED_FRAUD, was=AlertStatus.OPEN, by="analyst", at=NOW - HOUR
        )
    case = bench.working("d-p1")
    bench.do(lambda: bench.cases.close(case, Finding.GENUINE, at=CLOSED, actor="lin"))
    assert [each[1] for each in bench.outcomes()] == ["correction_genuine"]


def test_what_the_policy_cannot_take_back_is_refused(bench: Bench) -> None:
    case = bench.working("d-l1")
    bench.do(lambda: bench.cases.close(case, Finding.FRAUD, at=CLOSED, actor="lin"))
    with pytest.raises(InputError, match="a finding that takes back first_party_fraud"):
        bench.do(lambda: bench.cases.correct(case, Finding.GENUINE, at=CLOSED + 1, actor="lin", reason="wrong"))
    assert [each[1] for each in bench.outcomes()] == ["first_party_fraud"]


def test_a_genuine_applicant_tells_nothing_of_repayment(bench: Bench) -> None:
    case = bench.working("d-l1")
    bench.do(lambda: bench.cases.close(case, Finding.GENUINE, at=CLOSED, actor="lin"))
    assert bench.outcomes() == []
    assert bench.status("d-l1") is AlertStatus.GENUINE


def test_an_inconclusive_case_writes_no_outcome_and_leaves_its_alert_with_somebody(bench: Bench) -> None:
    case = bench.working("d-p1")
    bench.do(lambda: bench.cases.close(case, Finding.INCONCLUSIVE, at=CLOSED, actor="lin"))
    assert bench.outcomes() == []
    assert bench.status("d-p1") is AlertStatus.ESCALATED


def test_a_decision_is_in_one_open_case(bench: Bench) -> None:
    case = bench.working("d-p1")
    with pytest.raises(InputError, match="expected a decision that is in no open case, got 'case-1'"):
        bench.working("d-p2", "d-p1")
    bench.do(lambda: bench.cases.close(case, Finding.GENUINE, at=CLOSED, actor="lin"))
    assert bench.working("d-p1") == "case-2"


def test_wrong_asking_is_told_and_leaves_nothing(bench: Bench) -> None:
    case = bench.working("d-p1")
    for work, message in (
        (lambda: bench.cases.open(["d-p2", "d-l1"], at=NOW, actor="lin"), "decisions of one product"),
        (lambda: bench.cases.open([], at=NOW, actor="lin"), "at least one"),
        (lambda: bench.cases.open(["d-nine"], at=NOW, actor="lin"), "expected a decision of the ledger, got 'd-nine'"),
        (lambda: bench.cases.link(case, ["d-l1"], at=CLOSED, actor="lin"), "decisions on a payment"),
        (lambda: bench.cases.link(case, ["d-p1"], at=CLOSED, actor="lin"), "that are not in it, got 'none'"),
        (
            lambda: bench.cases.close(case, Finding.FRAUD, at=CLOSED, actor="lin", but={"d-p2": Finding.SCAM}),
            r"expected decisions of case-1, got \['d-p2'\]",
        ),
        (lambda: bench.cases.close(case, Finding.FRAUD, at=CLOSED, actor="wang"), r"who is responsible \(lin\)"),
        (lambda: bench.cases.confirm(case, at=CLOSED, actor="wang"), "a case that is proposed"),
        (lambda: bench.cases.reopen(case, at=CLOSED, actor="lin", reason="x"), "a case that is closed"),
        (lambda: bench.cases.correct(case, Finding.FRAUD, at=CLOSED, actor="lin", reason=" "), "expected a reason"),
        (lambda: bench.cases.close("ticket-1", Finding.FRAUD, at=CLOSED, actor="lin"), "the id of a case"),
    ):
        with pytest.raises(InputError, match=message):
            bench.do(work)
    assert len(bench.cases.matters.of(bench.cases.matters.get(case).kind)) == 1
    assert len(bench.cases.matters.get(case).entries) == 2
    loan = bench.working("d-l1")
    with pytest.raises(InputError, match="expected one of fraud, genuine, inconclusive for a loan"):
        bench.do(lambda: bench.cases.close(loan, Finding.SCAM, at=CLOSED, actor="lin"))


def test_every_finding_has_a_code_of_the_policy() -> None:
    policies = {policy.subject_kind: policy for policy in LABEL_POLICIES.values()}
    for product, kind in (("payment", "transaction"), ("loan", "application")):
        for finding, code in FINDING_CODES[product].items():
            for before in (None, *[each for each in FINDING_CODES[product].values() if each]):
                try:
                    told = finding_code(product, finding, before)
                except InputError:
                    assert code is None
                    continue
                if told is not None:
                    policies[kind].verdict(told)
        with pytest.raises(DefinitionError):
            policies[kind].verdict("no such code")


def test_a_case_opened_on_friday_evening_is_due_in_working_hours(bench: Bench) -> None:
    friday = parse_instant("2026-03-06T17:00:00+08:00")
    case = bench.do(lambda: bench.cases.open(["d-p1"], at=friday, actor="lin"))
    assert case.timers["pick_up"].due_at == parse_instant("2026-03-09T12:00:00+08:00")
    assert case.overdue(parse_instant("2026-03-09T12:00:00+08:00")) == ()
    assert case.overdue(parse_instant("2026-03-09T12:00:00+08:00") + 1) == ("pick_up",)


def test_what_the_door_said_after_a_case_is_what_a_correction_takes_back(bench: Bench) -> None:
    """Case: fraud; door: genuine; case again: fraud. The last word must be an outcome, or the label stays genuine."""
    case = bench.working("d-p1")
    bench.do(lambda: bench.cases.close(case, Finding.FRAUD, at=CLOSED, actor="lin"))
    subject = bench.journal.get(1)
    with bench.database.transaction():
        bench.alerts.dispose_within(
            "d-p1", AlertStatus.GENUINE, was=AlertStatus.CONFIRMED_FRAUD, by="door", at=CLOSED + 1
        )
        bench.journal.append_within(
            [outcome_about(subject, "correction_genuine", event_id="o", known_at=CLOSED + 1, source="x", client="door")]
        )
    bench.do(
        lambda: bench.cases.correct(case, Finding.FRAUD, at=CLOSED + 2, actor="lin", reason="the holder called again")
    )
    assert [code for _, code, _ in bench.outcomes()] == ["confirmed_fraud", "correction_genuine", "correction_fraud"]
    assert bench.status("d-p1") is AlertStatus.CONFIRMED_FRAUD


def test_an_amount_in_another_currency_cannot_say_when_two_must_agree(bench: Bench) -> None:
    """50,000 dollars held against yuan would let a sevenfold amount pass one pair of eyes."""
    settings = load_settings(CONFIGS / "cases.yaml", CaseSettings)
    eyes = settings.four_eyes.model_copy(update={"above": Money.parse("50000.00 USD")})
    fx = load_settings(CONFIGS / "platform.yaml", PlatformSettings).fx_table()
    acts = Acts(bench.database, bytes(32))
    with pytest.raises(DefinitionError, match="an amount in CNY, the base currency"):
        Cases(bench.journal, bench.ledger, acts, settings.model_copy(update={"four_eyes": eyes}), fx)
