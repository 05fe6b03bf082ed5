"""Figures of a desk against plain counts, and pages and indicators with planted late matters beside their controls."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.events import COMPLAINT_CLASSES, Event
from domain.matters import STOPS, Entry, Matter, MatterKind, Step, fold
from domain.settings import PlatformSettings
from domain.time import DAY, HOUR, parse_instant
from monitoring.chunk import Chunker
from monitoring.drill import Drill, Target, record_of, write_record
from monitoring.indicators.service import INDICATORS
from monitoring.matters.figures import closed_share, repeat_share, reviewed_share, satisfaction, throughput
from monitoring.matters.intake import complaints_at
from monitoring.matters.promises import Share, kept_share, late, timers
from monitoring.oversight.look import Look
from monitoring.oversight.pages import casework, complaints, desk, incidents
from monitoring.oversight.site import catalogue, pages_of
from monitoring.sight import Sight
from scoring.pages.page import Finding, Section, Table
from scoring.pages.render import render, to_json
from scoring.pages.status import Status
from scoring.pages.words import LANGS
from stores.acts import Act, Acts
from stores.complaints import Complaints
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.keys import secret_key
from stores.ledger import Ledger
from stores.matter_settings import ComplaintSettings, DeskSettings
from stores.settings_files import load_settings
from stores.tickets import Tickets, rate
from tests.stores.decisions import decision, payment

CONFIGS = Path(__file__).parents[2] / "configs"
COMPLAINTS = load_settings(CONFIGS / "complaints.yaml", ComplaintSettings)
DESK = load_settings(CONFIGS / "desk.yaml", DeskSettings)
UNTIL = parse_instant("2026-05-01T00:00:00+08:00")
SINCE = UNTIL - 30 * DAY


def ticket(number: int, *steps: tuple[int, Step, dict[str, Any]], at: int = SINCE, **about: Any) -> Matter:
    """A ticket with a history, given as (µs after its opening, step, body)."""
    name = f"ticket-{number}"
    entries = [Entry(MatterKind.TICKET, name, 1, at, "door", Step.OPENED, about)]
    entries += [
        Entry(MatterKind.TICKET, name, n, at + after, "lin", step, body)
        for n, (after, step, body) in enumerate(steps, 2)
    ]
    return fold(entries)


def test_promises_kept_are_what_counting_gives() -> None:
    chance = random.Random(2)
    matters, hits, n = [], 0, 0
    for number in range(300):
        at = SINCE - 5 * DAY + chance.randrange(33 * DAY)
        stop = chance.choice([None, chance.randrange(4 * DAY)])
        steps = [] if stop is None else [(stop, Step.TAKEN, {})]
        matters.append(ticket(number, *steps, at=at, due={"pick_up": at + DAY}))
        settled = at + DAY + 1 if stop is None or stop > DAY else at + stop
        if SINCE <= settled < UNTIL:
            n += 1
            hits += stop is not None and stop <= DAY
    share = kept_share(matters, "pick_up", since=SINCE, until=UNTIL)
    assert (share.hits, share.n) == (hits, n)
    assert 0 < hits < n
    assert share.interval[0] < (share.value or 0) < share.interval[1]


def test_a_promise_given_anew_is_a_promise_of_its_own() -> None:
    due = {"resolution": SINCE + DAY}
    again = {"due": {"resolution": SINCE + 5 * DAY}}
    matter = ticket(
        1, (1, Step.TAKEN, {}), (2 * DAY, Step.CLOSED, {}), (3 * DAY, Step.REOPENED, again), (4 * DAY, Step.CLOSED, {}),
        due=due,
    )  # fmt: skip
    assert [timer.kept(UNTIL) for _, timer in timers(matter)] == [False, True]
    assert kept_share([matter], "resolution", since=SINCE, until=UNTIL) == Share(1, 2)


def test_late_is_what_runs_past_its_due_time() -> None:
    matters = [ticket(1, due={"pick_up": SINCE + 5}), ticket(2, due={"pick_up": SINCE + 9})]
    assert [(each.matter.matter_id, each.by) for each in late(matters, SINCE + 9)] == [("ticket-1", 4)]
    assert [each.matter.matter_id for each in late(matters, SINCE + 10)] == ["ticket-1", "ticket-2"]


def test_satisfaction_counts_scores_of_the_period() -> None:
    rated = [
        ticket(n, (1, Step.TAKEN, {}), (2, Step.CLOSED, {}), (after, Step.RATED, {"score": score}))
        for n, (after, score) in enumerate([(3, 5), (4, 4), (5, 1), (31 * DAY, 1)])
    ]
    scores = satisfaction(rated, since=SINCE, until=UNTIL)
    assert scores.content == Share(2, 3)
    assert scores.mean == pytest.approx(10 / 3)
    assert scores.low is not None
    assert 1 <= scores.low < 10 / 3 < (scores.high or 0) <= 5
    assert satisfaction([], since=SINCE, until=UNTIL).mean is None


def test_a_repeat_is_the_same_person_and_class_soon_after() -> None:
    def call(number: int, day: int, person: str = "c1", topic: str = "hotline") -> Matter:
        about = {"class": topic, "people": {"customer_id": person}}
        return ticket(number, (1, Step.TAKEN, {}), (HOUR, Step.CLOSED, {}), at=SINCE + day * DAY, **about)

    first = call(1, 0)
    edge = ticket(2, at=SINCE + HOUR + 7 * DAY, **dict(first.about))
    beyond = ticket(2, at=SINCE + HOUR + 7 * DAY + 1, **dict(first.about))
    period = {"since": SINCE, "until": UNTIL}
    assert repeat_share([first, edge], 7 * DAY, **period) == Share(1, 2)
    assert repeat_share([first, beyond], 7 * DAY, **period) == Share(0, 2)
    assert repeat_share([first, call(2, 1, "c2"), call(3, 1, topic="enquiry")], 7 * DAY, **period) == Share(0, 3)
    nameless = ticket(4, at=SINCE)
    assert repeat_share([nameless, nameless], 7 * DAY, **period) == Share(0, 0)


def test_shares_of_closings_reviews_and_days() -> None:
    def closed(
        number: int, *more: tuple[int, Step, dict[str, Any]], level: str = "general", yes: bool = True
    ) -> Matter:
        return ticket(number, (1, Step.TAKEN, {}), (2, Step.CLOSED, {"resolved": yes}), *more, level=level)

    poor, fair = (3, Step.RATED, {"score": 2}), (3, Step.RATED, {"score": 3})
    seen = (4, Step.REVIEWED, {"agrees": True})
    tickets = [closed(1, poor, seen), closed(2, fair), closed(3, level="major"), closed(4, yes=False)]
    period = {"since": SINCE, "until": UNTIL}
    assert reviewed_share(tickets, 2, **period) == Share(1, 2)
    again = ((5, Step.REOPENED, {}), (6, Step.CLOSED, {"resolved": True}))
    assert reviewed_share([closed(1, poor, seen, *again)], 2, **period) == Share(0, 1)
    assert closed_share(tickets, "resolved", **period) == Share(3, 4)
    assert throughput(tickets, "Asia/Shanghai", **period) == {"2026-04-01": (4, 4)}


class Bench:
    """A home with a look at thirty days."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.database = Database(self.home.database)
        self.key = secret_key(self.home.keys, "chain", {})
        self.journal = Journal(self.database, self.home.segments)
        self.ledger = Ledger(self.database, self.key)
        platform = load_settings(CONFIGS / "platform.yaml", PlatformSettings)
        self.look = Look(self.home, CONFIGS, platform, self.database, self.journal, self.ledger, SINCE, UNTIL)
        self.tickets = Tickets(self.database, DESK)
        self.complaints = Complaints(self.journal, self.ledger, COMPLAINTS)

    def complain(self, at: int, answered: int | None = None, settled: int | None = None, name: str = "k") -> None:
        with self.database.transaction():
            made = self.complaints.open_complaint(
                "service", at=at, actor="door", client="flow", event_id=f"{name}{at}", people={"customer_id": f"c{at}"}
            )
            matters = self.complaints.matters
            if answered is not None:
                matters.append_within(made.matter_id, Step.TAKEN, at=at, actor="lin")
                matters.append_within(made.matter_id, Step.ANSWERED, at=at + answered, actor="lin")
            if settled is not None:
                acts = Acts(self.database, self.key)
                self.complaints.settle(made.matter_id, upheld=False, at=at + settled, actor="lin", acts=acts)
                rate(matters, made.matter_id, score=5, at=at + settled, actor="lin")


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "home")
    yield bench
    bench.database.close()


def statuses(sections: tuple[Section, ...]) -> dict[str, Status]:
    return {each.key: each.status for section in sections for each in section.statistics}


def test_an_overdue_complaint_turns_the_page_red_and_its_control_does_not(bench: Bench) -> None:
    for day in range(20):
        bench.complain(SINCE + day * DAY, answered=HOUR, settled=30 * HOUR)
    said = statuses(complaints.build(bench.look))
    assert said["complaints_overdue"] is Status.PASS
    assert said["complaint_first_answer"] in (Status.PASS, Status.AMBER)
    # Exactly 24 hours before the end nothing is late yet; a microsecond earlier it is.
    bench.complain(UNTIL - 1 - 24 * HOUR, name="edge")
    assert statuses(complaints.build(bench.look))["complaints_overdue"] is Status.PASS
    bench.complain(UNTIL - 2 - 24 * HOUR, name="late")
    sections = complaints.build(bench.look)
    assert statuses(sections)["complaints_overdue"] is Status.RED
    (table,) = [block for block in sections[0].blocks if isinstance(block, Table) and block.key == "late"]
    assert len(table.rows) == 1


def test_a_complaint_nobody_took_in_is_late_all_the_same(bench: Bench) -> None:
    at = UNTIL - 3 * DAY
    body = {"complaint_class": "service", "customer_id": "c1"}
    bench.journal.append([Event("complaint", "k1", at, at, body, "flow")])
    assert statuses(complaints.build(bench.look))["complaints_overdue"] is Status.RED
    (waiting,) = complaints_at(bench.journal, COMPLAINTS, UNTIL)
    assert waiting.timers["first_answer"].due_at == at + 24 * HOUR
    (event,) = bench.complaints.untaken(UNTIL)
    with bench.database.transaction():
        bench.complaints.take_in(event, actor="lin")
    (taken,) = complaints_at(bench.journal, COMPLAINTS, UNTIL)
    assert (taken.matter_id, taken.timers["first_answer"].due_at) == ("complaint-1", at + 24 * HOUR)
    assert complaints_at(bench.journal, COMPLAINTS, at) == []


def test_a_burst_of_complaints_is_overdue_on_the_day_after_it(bench: Bench) -> None:
    burst = parse_instant("2026-04-20T00:00:00+08:00")
    events = [
        Event("complaint", f"k{n}", burst + n * HOUR // 4, burst + n * HOUR // 4, {"complaint_class": "service"}, "sim")
        for n in range(40)
    ]
    bench.journal.append(events)
    (indicator,) = [each for each in INDICATORS if each.key == "complaints_overdue"]
    sight = Sight(bench.look)
    said = {}
    for chunk in Chunker("day", "Asia/Shanghai").between(burst - 2 * DAY, burst + 3 * DAY):
        (reading,) = indicator.read(sight.at(chunk))
        said[chunk.name] = reading.value
    assert [said[f"2026-04-{day}"] for day in (19, 20, 21)] == [None, 0.0, 40.0]


def test_late_tickets_poor_scores_and_repeats_are_each_found(bench: Bench) -> None:
    def calls(n: int, taken: int, score: int) -> None:
        for number in range(n):
            at = SINCE + number * 20 * HOUR // 2
            with bench.database.transaction():
                made = bench.tickets.open("hotline", at=at, actor="door", people={"customer_id": f"c{taken}-{number}"})
                bench.tickets.matters.append_within(made.matter_id, Step.TAKEN, at=at + taken, actor="lin")
                bench.tickets.matters.append_within(made.matter_id, Step.ANSWERED, at=at + taken, actor="lin")
                bench.tickets.close(made.matter_id, at=at + taken + HOUR, actor="lin", resolved=True)
                rate(bench.tickets.matters, made.matter_id, score=score, at=at + taken + HOUR, actor="lin")
                bench.tickets.matters.append_within(made.matter_id, Step.FOLLOWED_UP, at=at + taken + DAY, actor="wang")

    calls(60, 10_000_000, 5)
    good = statuses(desk.build(bench.look))
    assert good["tickets_overdue"] is good["ticket_pick_up"] is good["ticket_content"] is Status.PASS
    assert good["ticket_repeat"] is good["ticket_resolved"] is good["ticket_follow_up"] is Status.PASS
    calls(60, 31_000_000, 1)
    bad = statuses(desk.build(bench.look))
    assert bad["ticket_pick_up"] is bad["ticket_content"] is Status.RED
    assert bad["ticket_reviewed"] is Status.RED
    assert bad["ticket_resolved"] is Status.PASS


def test_the_queue_shows_what_may_be_lost_first_and_what_is_late(bench: Bench) -> None:
    decision(bench.journal, bench.ledger, payment("small", amount=100, at=UNTIL - HOUR))
    decision(bench.journal, bench.ledger, payment("large", amount=900_000, at=UNTIL - HOUR))
    sections = casework.build(bench.look)
    assert statuses(sections)["alerts_overdue"] is Status.PASS
    (table,) = [block for block in sections[0].blocks if isinstance(block, Table)]
    assert [row[0] for row in table.rows] == ["d-large", "d-small"]
    decision(bench.journal, bench.ledger, payment("old", amount=1, at=UNTIL - 9 * DAY))
    assert statuses(casework.build(bench.look))["alerts_overdue"] is Status.RED


def test_a_failed_or_old_drill_and_a_switch_left_on_are_red(bench: Bench) -> None:
    def drilled(at: int, fails: bool) -> None:
        drill = Drill({"kill": Target(within="10s", source="ours")}, iter([0.0, 11.0 if fails else 1.0]).__next__)
        drill.step("kill", lambda: "seen")
        write_record(bench.home, record_of(drill, "lin", "copy", lambda: at, {}), {})

    assert statuses(incidents.build(bench.look))["drill_age"] is Status.NOT_ASSESSED
    drilled(UNTIL - 91 * DAY, fails=False)
    assert statuses(incidents.build(bench.look))["drill_age"] is Status.RED
    drilled(UNTIL - 90 * DAY, fails=False)
    assert next(section.status for section in incidents.build(bench.look)) is Status.PASS
    drilled(UNTIL - DAY, fails=True)
    section = incidents.build(bench.look)[0]
    assert any(isinstance(block, Finding) for block in section.blocks)
    assert section.status is Status.RED
    acts = Acts(bench.database, bench.key)
    with bench.database.transaction():
        acts.append_within(Act("a1", "kill_switched", "service", UNTIL - HOUR, "ann", {"on": True}))
    assert incidents.build(bench.look)[1].status is Status.RED
    with bench.database.transaction():
        acts.append_within(Act("a2", "kill_switched", "service", UNTIL - 1, "ann", {"on": False}))
    assert incidents.build(bench.look)[1].status is Status.NOT_ASSESSED


def test_the_pages_are_written_with_all_their_words(bench: Bench) -> None:
    bench.complain(UNTIL - 5 * DAY)
    decision(bench.journal, bench.ledger, payment("p1", at=UNTIL - 9 * DAY))
    with bench.database.transaction():
        for topic in DESK.classes:
            bench.tickets.open(topic, at=UNTIL - 3 * DAY, actor="door")
    words = catalogue()
    mine = [page.PAGE for page in (casework, complaints, desk, incidents)]
    made = pages_of(bench.look, mine)
    assert [made[plan.key].status for plan in mine] == [Status.RED, Status.RED, Status.RED, Status.NOT_ASSESSED]
    for page in made.values():
        for lang in LANGS:
            assert render(page, words, lang)
            assert to_json(page, words, lang)
    for kind in COMPLAINT_CLASSES:
        assert f"complaints.{kind}" in words
    assert {f"casework.{clock}_clock" for clock in STOPS} <= set(words.keys)
