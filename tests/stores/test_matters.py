"""Histories: whatever is asked of them in whatever order, nothing is lost, doubled or changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.errors import DataError, InputError
from domain.matters import ALLOWED, STEPS, Entry, MatterKind, MatterState, Step, fold
from stores.database import Database
from stores.matters import Matters

PEOPLE = ("lin", "wang", "zhao")
BODIES: dict[Step, dict[str, Any]] = {
    Step.HANDED_OVER: {"to": "wang"},
    Step.LINKED: {"decisions": ["d2", "d3"]},
    Step.ESCALATED: {"level": "major"},
}


class Histories(RuleBasedStateMachine):
    """Any steps by anybody, some refused, some rolled back: the store against a plain list kept beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.database = Database(Path(":memory:"))
        self.matters = Matters(self.database)
        self.now = 1_000
        self.kept: dict[str, list[Entry]] = {}

    @initialize(kind=st.sampled_from(MatterKind))
    def first(self, kind: MatterKind) -> None:
        self.open(kind)

    @rule(kind=st.sampled_from(MatterKind))
    def open(self, kind: MatterKind) -> None:
        self.now += 1
        with self.database.transaction():
            made = self.matters.open_within(
                kind, at=self.now, actor="door", body={"decisions": ["d1"], "due": {"resolution": self.now + 50}}
            )
        assert made.matter_id not in self.kept
        self.kept[made.matter_id] = [made.last]

    @rule(data=st.data(), step=st.sampled_from(Step), actor=st.sampled_from(PEOPLE), rolls_back=st.booleans())
    def step(self, data: st.DataObject, step: Step, actor: str, rolls_back: bool) -> None:
        matter_id = data.draw(st.sampled_from(sorted(self.kept)))
        before = fold(self.kept[matter_id])
        self.now += 1
        entry = Entry(before.kind, matter_id, before.last.n + 1, self.now, actor, step, BODIES.get(step, {}))
        allowed = step in STEPS[before.kind] and before.state in ALLOWED.get(step, frozenset())
        try:
            with self.database.transaction():
                made = self.matters.append_within(matter_id, step, at=self.now, actor=actor, body=BODIES.get(step))
                assert made.last == entry
                if rolls_back:
                    raise InterruptedError
        except InputError:
            # Refused for its state, or because somebody else is responsible.
            assert not allowed or actor != before.owner or before.state is MatterState.PROPOSED
            return
        except InterruptedError:
            return
        assert allowed
        self.kept[matter_id].append(entry)

    @invariant()
    def what_was_written_is_what_is_there(self) -> None:
        for kind in MatterKind:
            stored = {matter.matter_id: list(matter.entries) for matter in self.matters.of(kind)}
            assert stored == {key: entries for key, entries in self.kept.items() if entries[0].kind is kind}
            alive = {key for key, matter in stored.items() if fold(matter).state is not MatterState.CLOSED}
            assert {matter.matter_id for matter in self.matters.not_closed(kind)} == alive
        (n,) = self.database.one("SELECT count(*) FROM matter_entry")
        assert n == sum(map(len, self.kept.values()))

    @invariant()
    def the_past_is_what_it_was(self) -> None:
        moment = self.now - 3
        for kind in MatterKind:
            for matter in self.matters.of(kind, until=moment):
                assert list(matter.entries) == [each for each in self.kept[matter.matter_id] if each.at < moment]

    def teardown(self) -> None:
        self.database.close()


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(name="matters")
def _matters(tmp_path: Path) -> Matters:
    return Matters(Database(tmp_path / "assay.db"))


def opened(matters: Matters, kind: MatterKind = MatterKind.TICKET, **body: Any) -> str:
    return matters.open_within(kind, at=10, actor="door", body=body).matter_id


def test_the_first_who_takes_it_stays_responsible_until_it_is_handed_over(matters: Matters) -> None:
    ticket = opened(matters)
    matters.append_within(ticket, Step.TAKEN, at=11, actor="lin")
    with pytest.raises(InputError, match="expected a ticket that is open, got 'working'"):
        matters.append_within(ticket, Step.TAKEN, at=12, actor="wang")
    with pytest.raises(InputError, match=r"expected who is responsible \(lin\), got 'wang'"):
        matters.append_within(ticket, Step.CLOSED, at=12, actor="wang")
    with pytest.raises(InputError, match="expected lin, who is responsible, to hand it over, got 'wang'"):
        matters.append_within(ticket, Step.HANDED_OVER, at=13, actor="wang", body={"to": "wang"})
    with pytest.raises(InputError, match="the name of who is to answer for it"):
        matters.append_within(ticket, Step.HANDED_OVER, at=13, actor="lin", body={"to": " "})
    matters.append_within(ticket, Step.HANDED_OVER, at=13, actor="lin", body={"to": "wang"})
    closed = matters.append_within(ticket, Step.CLOSED, at=14, actor="wang")
    assert (closed.owner, closed.first_owner, closed.state) == ("wang", "lin", MatterState.CLOSED)


def test_nobody_closes_what_nobody_took(matters: Matters) -> None:
    ticket = opened(matters)
    with pytest.raises(InputError, match="expected a ticket that is working, got 'open'"):
        matters.append_within(ticket, Step.CLOSED, at=12, actor="wang")
    with pytest.raises(InputError, match="nobody yet; take it first"):
        matters.append_within(ticket, Step.ANSWERED, at=12, actor="wang")


def test_a_proposal_is_confirmed_by_somebody_else(matters: Matters) -> None:
    case = opened(matters, MatterKind.CASE)
    matters.append_within(case, Step.TAKEN, at=11, actor="lin")
    matters.append_within(case, Step.PROPOSED, at=12, actor="lin", body={"finding": "fraud"})
    with pytest.raises(InputError, match="a second person to confirm what lin proposed"):
        matters.append_within(case, Step.CLOSED, at=13, actor="lin")
    assert matters.append_within(case, Step.CLOSED, at=13, actor="wang").state is MatterState.CLOSED


def test_a_history_cannot_be_changed_or_cut(matters: Matters) -> None:
    ticket = opened(matters)
    for sql in ("UPDATE matter_entry SET actor = 'nobody'", "DELETE FROM matter_entry"):
        with pytest.raises(apsw.ConstraintError, match="only ever appended to"):
            matters.database.execute(sql)
    assert matters.get(ticket).last.actor == "door"


def test_a_missing_or_doubled_entry_is_told(matters: Matters) -> None:
    ticket = opened(matters)
    matters.append_within(ticket, Step.TAKEN, at=11, actor="lin")
    done = matters.append_within(ticket, Step.NOTED, at=12, actor="lin")
    first, second, third = done.entries
    with pytest.raises(DataError, match="expected entry 2 of ticket-1, got 3"):
        fold([first, third])
    with pytest.raises(DataError, match="expected entry 3 of ticket-1, got 2"):
        fold([first, second, second])
    with pytest.raises(DataError, match="begins with its opening"):
        fold([second])
    with pytest.raises(DataError, match="at least its opening"):
        fold([])
    with pytest.raises(DataError, match="expected entry 3 of ticket-1"):
        fold([first, second, replace(third, matter_id="ticket-2")])


def test_time_does_not_run_backwards(matters: Matters) -> None:
    ticket = opened(matters)
    with pytest.raises(InputError, match="not before its newest entry"):
        matters.append_within(ticket, Step.TAKEN, at=9, actor="lin")
    assert matters.append_within(ticket, Step.TAKEN, at=10, actor="lin").owner == "lin"


def test_wrong_asking_is_told(matters: Matters) -> None:
    with pytest.raises(InputError, match="such as case-1, got 'case1'"):
        matters.get("case1")
    with pytest.raises(InputError, match="that was opened, got 'case-1'"):
        matters.get("case-1")
    ticket = opened(matters)
    with pytest.raises(InputError, match="expected a step of a ticket, got 'proposed'"):
        matters.append_within(ticket, Step.PROPOSED, at=11, actor="lin")
    with pytest.raises(InputError, match="the name of who does it"):
        matters.append_within(ticket, Step.TAKEN, at=11, actor=" ")
    with pytest.raises(InputError, match="the name of who opens it"):
        matters.open_within(MatterKind.CASE, at=1, actor="", body={})


def test_a_reopened_matter_gets_a_new_promise_and_keeps_the_old_in_its_history(matters: Matters) -> None:
    ticket = opened(matters, due={"resolution": 20, "pick_up": 11})
    matters.append_within(ticket, Step.TAKEN, at=11, actor="lin")
    done = matters.append_within(ticket, Step.CLOSED, at=20, actor="lin")
    assert [done.timers[name].kept(99) for name in ("pick_up", "resolution")] == [True, True]
    again = matters.append_within(ticket, Step.REOPENED, at=30, actor="lin", body={"due": {"resolution": 40}})
    assert again.overdue(40) == ()
    assert again.overdue(41) == ("resolution",)
    assert again.timers["pick_up"].stopped_at == 11
    assert again.entries[0].body["due"]["resolution"] == 20
