"""Simulate: from settings to events, with nothing but the seed to decide."""

from __future__ import annotations

import pyarrow as pa

from data.simulator.credit.loan_events import loan_events
from data.simulator.payment_events import payment_events
from data.simulator.plants.plant import Plant, planted
from data.simulator.settings import SimulationSettings
from data.simulator.simulation import Progress, Simulation
from data.simulator.world import World
from domain.events import KINDS


def simulate(settings: SimulationSettings, progress: Progress | None = None) -> Simulation:
    """Payments and loans of one world.

    Raises
    ------
    InputError
        When a plant is unknown, or lies outside the days it can be planted on.

    Examples
    --------
    >>> made = simulate(SimulationSettings.quick())
    >>> made.tables["transaction"].num_rows > 20_000, made.fraud_rate() < 0.01
    (True, True)
    """
    report = progress or (lambda done, total, what: None)
    world = World.of(settings)
    report(1, 4, f"a world of {world.people.n:,} customers")
    payments, payment_truth = payment_events(world)
    report(2, 4, f"{payment_truth.num_rows:,} payments")
    loans, loan_truth = loan_events(world)
    report(3, 4, f"{loans['application'].num_rows:,} loan applications")
    parts = {kind: [half[kind] for half in (payments, loans) if kind in half] for kind in KINDS}
    order = [("known_at", "ascending"), ("event_time", "ascending"), ("event_id", "ascending")]
    tables = {kind: pa.concat_tables(halves).sort_by(order).combine_chunks() for kind, halves in parts.items()}
    report(4, 4, f"{sum(table.num_rows for table in tables.values()):,} events in order of arrival")
    made = Simulation(
        settings=settings,
        tables=tables,
        truth=pa.concat_tables([payment_truth, loan_truth]),
        start=world.calendar.start,
        end=world.calendar.end,
    )
    return planted(made, [Plant.parse(text, settings.time_zone) for text in settings.plants])
