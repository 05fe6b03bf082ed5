"""Cases: decisions that belong together, worked on by one person, closed with a finding that becomes an outcome.

opened   its decisions' alerts are with somebody now (escalated)
closed   one transaction: CLOSED, an outcome event for each decision that the finding says something of
         (event_time = known_at = now), the alert settled, and an act beside the ledger
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.alerts import AlertStatus
from domain.errors import DefinitionError, InputError, expected_got
from domain.findings import ALERT_STATUS, Finding, finding_code
from domain.matters import Matter, MatterKind, MatterState, Step
from domain.money import FxTable
from domain.outcomes import outcome_about
from stores.acts import Act, Acts
from stores.alerts import Alerts
from stores.journal import Journal
from stores.ledger import Entry, Ledger
from stores.matter_settings import CaseSettings
from stores.matters import Matters

CLIENT = "cases"
"""Owner of the ids of outcomes that findings become."""


class Cases:
    """Open cases and move them on; every method that writes does so inside the caller's transaction.

    Parameters
    ----------
    journal, ledger, acts : over the connection that owns the transaction.
    settings : ``configs/cases.yaml``. fx : for what is at stake.

    Raises
    ------
    DefinitionError
        When the amount above which two must agree is not in the base currency.
    """

    def __init__(self, journal: Journal, ledger: Ledger, acts: Acts, settings: CaseSettings, fx: FxTable) -> None:
        above = settings.four_eyes.above
        if above is not None and above.currency != fx.base:
            expected = f"an amount in {fx.base}, the base currency"
            raise DefinitionError(expected_got(expected, str(above), "configs/cases.yaml: four_eyes.above"))
        self.database = journal.database
        self.matters = Matters(journal.database)
        self._alerts = Alerts(journal.database)
        self._journal = journal
        self._ledger = ledger
        self._acts = acts
        self._settings = settings
        self._fx = fx

    def open(
        self, decisions: Sequence[str], *, at: int, actor: str, linked: Mapping[str, str] | None = None,
        text: str | None = None,
    ) -> Matter:  # fmt: skip
        """Open a case on decisions of one product.

        Parameters
        ----------
        linked : decisions that only share an entity → the column they share; kept for who works on it.
        text : id of a sealed note.

        Raises
        ------
        InputError
            When a decision is unknown, already in a case that is not closed, or of another product.
        """
        entries = [self._free(decision_id) for decision_id in dict.fromkeys(decisions)]
        products = {entry.product for entry in entries}
        if len(products) != 1:
            raise InputError(expected_got("decisions of one product, at least one", sorted(products), "case"))
        (product,) = products
        body = {
            "class": product,
            "decisions": [entry.decision_id for entry in entries],
            "linked": dict(linked or {}),
            "at_stake": self.at_stake(entries),
            "text": text,
            "due": dict(self._settings.due(product, at)),
        }
        case = self.matters.open_within(MatterKind.CASE, at=at, actor=actor, body=body)
        self._escalate([entry.decision_id for entry in entries], at, actor)
        return case

    def link(self, case_id: str, decisions: Sequence[str], *, at: int, actor: str) -> Matter:
        """Take more decisions into a case."""
        case = self.matters.get(case_id, MatterKind.CASE)
        fresh = [self._free(each) for each in dict.fromkeys(decisions) if each not in case.decisions]
        wrong = [entry.decision_id for entry in fresh if entry.product != case.topic]
        if wrong or not fresh:
            raise InputError(expected_got(f"decisions on a {case.topic} that are not in it", wrong or "none", case_id))
        body = {"decisions": [entry.decision_id for entry in fresh]}
        case = self.matters.append_within(case_id, Step.LINKED, at=at, actor=actor, body=body)
        self._escalate(body["decisions"], at, actor)
        return case

    def close(
        self, case_id: str, finding: Finding, *, at: int, actor: str, but: Mapping[str, Finding] | None = None,
        text: str | None = None,
    ) -> Matter:  # fmt: skip
        """Close a case with a finding, or propose it where a second person must confirm.

        Parameters
        ----------
        but : decisions of the case that were something else.

        Raises
        ------
        InputError
            When the step must not follow, a decision is not of the case, or the label policy has no code for it.
        """
        case = self.matters.get(case_id, MatterKind.CASE)
        if case.state is not MatterState.WORKING:
            raise InputError(expected_got("a case that is working", case.state.value, f"{case_id}, closed"))
        findings = self._findings(case, finding, but or {})
        at_stake = self.at_stake([self._entry(each) for each in case.decisions])
        told = {"findings": {each: found.value for each, found in findings.items()}, "text": text}
        for decision_id, found in findings.items():
            # What could not be told later is refused now, before somebody confirms it.
            finding_code(case.topic, found, self._before(decision_id))
        if self._settings.four_eyes.needed(findings.values(), at_stake):
            return self.matters.append_within(case_id, Step.PROPOSED, at=at, actor=actor, body=told)
        return self._settle(case, Step.CLOSED, findings, told, at, actor)

    def confirm(self, case_id: str, *, at: int, actor: str, text: str | None = None) -> Matter:
        """Close a case as another person has proposed."""
        case = self.matters.get(case_id, MatterKind.CASE)
        if case.state is not MatterState.PROPOSED:
            raise InputError(expected_got("a case that is proposed", case.state.value, case_id))
        proposed = case.steps(Step.PROPOSED)[-1].body["findings"]
        findings = {each: Finding(found) for each, found in proposed.items()}
        return self._settle(case, Step.CLOSED, findings, {"findings": proposed, "text": text}, at, actor)

    def correct(self, case_id: str, finding: Finding, *, at: int, actor: str, reason: str) -> Matter:
        """Say that a closed case was something else; what was said stays in its history.

        Raises
        ------
        InputError
            Without a reason, or when two must agree: then reopen it.
        """
        case = self.matters.get(case_id, MatterKind.CASE)
        if not reason.strip():
            raise InputError(expected_got("a reason", reason, f"{case_id}, corrected"))
        findings = self._findings(case, finding, {})
        at_stake = self.at_stake([self._entry(each) for each in case.decisions])
        if self._settings.four_eyes.needed(findings.values(), at_stake):
            raise InputError(
                f"{case_id}: expected two people to agree on {finding.value}; reopen it and close it again"
            )
        told = {"findings": dict.fromkeys(findings, finding.value), "reason": reason}
        return self._settle(case, Step.CORRECTED, findings, told, at, actor)

    def reopen(self, case_id: str, *, at: int, actor: str, reason: str) -> Matter:
        """Work on a closed case again: a new promise to settle it begins."""
        case = self.matters.get(case_id, MatterKind.CASE)
        if not reason.strip():
            raise InputError(expected_got("a reason", reason, f"{case_id}, reopened"))
        body = {"reason": reason, "due": dict(self._settings.due(case.topic, at, only="resolution"))}
        return self.matters.append_within(case_id, Step.REOPENED, at=at, actor=actor, body=body)

    def at_stake(self, entries: Sequence[Entry]) -> int:
        """Sum of the amounts of some decisions, minor units of the base currency at the rate known then."""
        events = [self._journal.get(entry.seq) for entry in entries]
        return sum(
            self._fx.to_base(int(event.body["amount"]), str(event.body["currency"]), event.event_time)
            for event in events
        )

    # ------------------------------------------------------------------- parts

    def _settle(
        self, case: Matter, step: Step, findings: Mapping[str, Finding], told: Mapping[str, Any], at: int, actor: str
    ) -> Matter:
        outcomes: dict[str, str] = {}
        for decision_id, found in findings.items():
            code = finding_code(case.topic, found, self._before(decision_id))
            if code is not None:
                subject = self._journal.get(self._entry(decision_id).seq)
                event_id = f"{case.matter_id}-{case.last.n + 1}-{decision_id}"
                self._journal.append_within(
                    [outcome_about(subject, code, event_id=event_id, known_at=at, source="analyst", client=CLIENT)]
                )
                outcomes[decision_id] = code
        body = {**told, "outcomes": outcomes}
        settled = self.matters.append_within(case.matter_id, step, at=at, actor=actor, body=body)
        for decision_id, found in findings.items():
            self._dispose(decision_id, ALERT_STATUS[found], settled, found.value, at, actor)
        return settled

    def _findings(self, case: Matter, finding: Finding, but: Mapping[str, Finding]) -> dict[str, Finding]:
        strangers = sorted(set(but) - set(case.decisions))
        if strangers:
            raise InputError(expected_got(f"decisions of {case.matter_id}", strangers, "finding"))
        return {each: but.get(each, finding) for each in case.decisions}

    def _before(self, decision_id: str) -> str | None:
        """The code told of a decision before: by a case, or by who disposed of its alert at the door."""
        told = [
            (entry.at, entry.n, entry.body["outcomes"][decision_id])
            for matter in self.matters.about(decision_id)
            for entry in (*matter.steps(Step.CLOSED), *matter.steps(Step.CORRECTED))
            if decision_id in entry.body.get("outcomes", {})
        ]
        alert = self._alerts.get(decision_id)
        status = None
        # Who disposed of the alert at the door after the case has had the last word.
        if alert is not None and (not told or (alert.disposed_at or 0) > max(told)[0]):
            status = {AlertStatus.CONFIRMED_FRAUD: Finding.FRAUD, AlertStatus.GENUINE: Finding.GENUINE}.get(
                alert.status
            )
        said = None if alert is None or status is None else finding_code(alert.product, status, None)
        return said if said is not None or not told else str(max(told)[2])

    def _escalate(self, decisions: Sequence[str], at: int, actor: str) -> None:
        for decision_id in decisions:
            alert = self._alerts.get(decision_id)
            if alert is not None and alert.status is AlertStatus.OPEN:
                self._alerts.dispose_within(decision_id, AlertStatus.ESCALATED, was=alert.status, by=actor, at=at)

    def _dispose(self, decision_id: str, status: AlertStatus, case: Matter, finding: str, at: int, actor: str) -> None:
        act_id = f"{case.matter_id}-{case.last.n}-{decision_id}"
        body = {"case": case.matter_id, "entry": case.last.n, "finding": finding}
        self._acts.append_within(Act(act_id, "case_finding", decision_id, at, actor, body))
        alert = self._alerts.get(decision_id)
        if alert is not None and alert.status is not status:
            self._alerts.dispose_within(decision_id, status, was=alert.status, by=actor, at=at)

    def _free(self, decision_id: str) -> Entry:
        entry = self._entry(decision_id)
        for matter in self.matters.about(decision_id):
            if matter.kind is MatterKind.CASE and matter.state is not MatterState.CLOSED:
                raise InputError(expected_got("a decision that is in no open case", matter.matter_id, decision_id))
        return entry

    def _entry(self, decision_id: str) -> Entry:
        entry = self._ledger.get(decision_id)
        if entry is None:
            raise InputError(expected_got("a decision of the ledger", decision_id, "case"))
        return entry
