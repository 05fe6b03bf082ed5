"""The newest days of a world: cut, chosen, delivered once, in order, and nothing lost between the two ways in."""

from itertools import pairwise

import pyarrow.parquet as pq
import pytest

from cli.stream import WEEK, deliveries, journal_others, outcomes, plan
from data.simulator.load import journal_simulation
from data.simulator.settings import SimulationSettings
from data.simulator.simulate import simulate
from domain.errors import InputError
from domain.time import DAY
from stores.database import Database
from stores.journal import Journal
from stores.vault import Vault


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small world."""
    folder = tmp_path_factory.mktemp("world")
    settings = SimulationSettings(seed=3, payment_days=21, n_customers=150, loan_months=14, n_borrowers=300)
    simulate(settings).write(folder)
    return folder


@pytest.fixture(scope="module")
def planned(folder):
    return plan(folder, n_payments=40, n_applications=6)


def ids(folder, kind):
    return pq.read_table(folder / f"{kind}.parquet", columns=["event_id", "known_at"])


def test_whole_weeks_are_held_back_and_lived_day_by_day(planned):
    days = list(planned.days())
    assert planned.until > planned.cut
    assert (planned.until - planned.cut) % WEEK == 0
    assert (days[0][0], days[-1][1]) == (planned.cut, planned.until)
    assert all(after < until <= after + DAY for after, until in days)
    assert all(first[1] == second[0] for first, second in pairwise(days))


def test_as_many_are_asked_as_wanted_spread_over_the_days(planned):
    asked = [each for each in deliveries(planned) if each.asked]
    assert sorted(each.kind for each in asked) == ["application"] * 6 + ["transaction"] * 40
    assert {each.body["event_id"] for each in asked} == planned.chosen
    halves = [each.arrived_at < (planned.cut + planned.until) / 2 for each in asked if each.kind == "transaction"]
    assert 10 <= sum(halves) <= 30


def test_deliveries_are_in_order_of_arrival_after_the_cut(planned):
    arrived = [each.arrived_at for each in deliveries(planned)]
    assert arrived == sorted(arrived)
    assert planned.cut < arrived[0]
    assert arrived[-1] <= planned.until


def test_facts_come_because_they_point_at_what_was_chosen(planned):
    facts = [each for each in deliveries(planned) if not each.asked]
    assert facts
    for each in facts:
        assert each.body["kind"] == each.kind
        pointed = {each.body.get(name) for name in ("links_to", "application_id", "subject_event_id")}
        assert pointed & planned.chosen


def test_every_event_goes_one_way_in(folder, planned, tmp_path):
    """Journalled before, journalled meanwhile, or sent: no event twice, none lost."""
    database = Database(tmp_path / "assay.db")
    journal, vault = Journal(database, tmp_path / "journal"), Vault(database, bytes(32))
    before = journal_simulation(folder, journal, vault, "simulator", known_until=planned.cut).n_new
    meanwhile = sum(journal_others(planned, *day, journal, vault, "simulator") for day in planned.days())
    told = {body["event_id"] for body in outcomes(planned)}
    sent = {each.body["event_id"] for each in deliveries(planned)}
    in_journal = {event_id for (event_id,) in database.execute("SELECT event_id FROM event WHERE client = 'simulator'")}
    assert before + meanwhile == len(in_journal)
    assert not in_journal & (sent | told)
    everything = set()
    for path in folder.glob("*.parquet"):
        if path.stem != "truth":
            table = pq.read_table(path, columns=["event_id", "known_at"])
            everything |= {i for i, at in zip(*table.to_pydict().values(), strict=True) if at <= planned.until}
    assert everything - in_journal <= sent | told
    assert everything >= sent
    database.close()


def test_outcomes_are_about_what_was_chosen_and_say_when_they_were_known(planned):
    for body in outcomes(planned):
        assert body["subject_event_id"] in planned.chosen
        assert body["known_at"].endswith("Z")


def test_a_world_too_small_is_refused(folder):
    with pytest.raises(InputError, match=r"expected a world with more than 1000000 events of transaction, got"):
        plan(folder, n_payments=1_000_000, n_applications=5)
