"""Planted trouble is where it was put, and nowhere else."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest

from data.simulator.plants.payments import BUSY_SHARE, DRIFT_TIMES
from data.simulator.plants.plant import KINDS, Plant, planted
from data.simulator.settings import SimulationSettings
from data.simulator.simulate import simulate
from data.simulator.simulation import Simulation
from domain.errors import InputError
from domain.time import DAY

ZONE = "Asia/Shanghai"
DAY_OF = "2026-02-20"


@pytest.fixture(scope="module", name="plain")
def _plain() -> Simulation:
    return simulate(SimulationSettings.quick(seed=3))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_before_its_day_is_touched(kind: str, plain: Simulation) -> None:
    plant = Plant.parse(f"{kind}@{DAY_OF}", ZONE)
    found = planted(plain, [plant])
    for name, before in plain.tables.items():
        earlier = [table.filter(pc.less(table["known_at"], plant.at)) for table in (before, found.tables[name])]
        assert earlier[0].equals(earlier[1]), name
    assert any(not found.tables[name].equals(plain.tables[name]) for name in plain.tables)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_plants_the_same(kind: str, plain: Simulation) -> None:
    plants = [Plant.parse(f"{kind}@{DAY_OF}", ZONE)]
    first, again = planted(plain, plants), planted(plain, plants)
    assert all(first.tables[name].equals(again.tables[name]) for name in first.tables)


def test_all_together_keep_the_order_of_arrival(plain: Simulation) -> None:
    found = planted(plain, [Plant.parse(f"{kind}@{DAY_OF}", ZONE) for kind in KINDS])
    for table in found.tables.values():
        assert np.all(np.diff(table["known_at"].to_numpy()) >= 0)
        assert len(pc.unique(table["event_id"])) == table.num_rows


def test_what_each_says_of_itself(plain: Simulation) -> None:
    at = Plant.parse(f"drift@{DAY_OF}", ZONE).at
    days = 28

    def of(kind: str) -> Simulation:
        return planted(plain, [Plant(kind, at)])

    wave = of("fraud_wave")
    assert wave.fraud_rate() > plain.fraud_rate()
    assert wave.tables["outcome"].num_rows > plain.tables["outcome"].num_rows

    ring = of("mule_ring").truth
    assert 100 <= pc.sum(pc.equal(ring["story"], "mule_ring")).as_py() <= 120

    outbreak = of("channel_outbreak").tables["outcome"]
    told = outbreak.filter(pc.starts_with(outbreak["event_id"], "channel_outbreak"))
    subjects = plain.tables["transaction"]
    channel = dict(zip(subjects["event_id"].to_pylist(), subjects["channel"].to_pylist(), strict=True))
    assert {channel[each] for each in told["subject_event_id"].to_pylist()} == {"digital_currency"}

    before, after = plain.tables["transaction"], of("drift").tables["transaction"]
    later = pc.greater_equal(before["event_time"], at)
    ratio = pc.sum(after.filter(later)["amount"]).as_py() / pc.sum(before.filter(later)["amount"]).as_py()
    assert ratio == pytest.approx(DRIFT_TIMES, rel=1e-4)

    busy = of("busy_payee").tables["transaction"]
    to_it = busy.filter(pc.equal(busy["merchant_id"], "busy_payee-shop"))
    inside = pc.and_(pc.greater_equal(before["event_time"], at - days * DAY), pc.less(before["event_time"], at))
    wanted = pc.or_kleene(pc.is_null(before["stage"]), pc.equal(before["stage"], "authorisation"))
    per_day = before.filter(pc.and_(inside, wanted)).num_rows / days
    assert to_it.num_rows == max(40, round(BUSY_SHARE * per_day))
    assert of("complaint_burst").tables["complaint"].num_rows == plain.tables["complaint"].num_rows + 40


@pytest.mark.parametrize("text", ["drift", "drift@", "storm@2026-02-20", "drift@yesterday"])
def test_what_cannot_be_planted_is_told(text: str) -> None:
    with pytest.raises(InputError):
        Plant.parse(text, ZONE)


def test_a_plant_needs_four_weeks_before_it(plain: Simulation) -> None:
    with pytest.raises(InputError, match="four weeks"):
        planted(plain, [Plant.parse("drift@2026-01-05", ZONE)])
