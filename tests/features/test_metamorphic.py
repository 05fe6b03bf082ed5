"""What must change nothing, for every view of the catalogue and for a view of every aggregate.

Events at or after the request's time, events before all its windows (and before what retention keeps), events of
other entities and events given twice: the features of the request, and its flags, stay as they were bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from domain.events import KINDS, ColumnType, Event, Value
from domain.time import DAY, HOUR
from features.aggregates import AGGREGATES
from features.catalogue import SUBJECTS, FeatureSet, compile_set, discover
from features.online import OnlineState
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.view import FeatureView, ring
from tests.features.generated import generated_stream
from tests.features.streams import PLATFORM, memory_journal, same_bits
from tests.features.test_every_aggregate import examples

_FOUND = {tuple(one.names("card_id")): one for kind in AGGREGATES for one in examples(kind)}
EVERY = FeatureView(
    entity="card_id", source="transaction", retain=ring(4096), name="every", features=list(_FOUND.values())
)  # fmt: skip
VIEWS = [("payment", EVERY)] + [(product, view) for product in SUBJECTS for view in discover(product).views]
IDS = [f"{product}-{view.name}" for product, view in VIEWS]
N_EVENTS = 90


class World:
    """A stream that ends before an instant at which one request is asked."""

    def __init__(self, product: str, view: FeatureView) -> None:
        self.view = view
        self.subject = SUBJECTS[product]
        derived = discover(product).derived
        self.chosen: FeatureSet = compile_set(FeatureSettings(product=product), PLATFORM, (view,), derived, {})
        self.longest = max(view.windows)
        # A tiled view rounds the lower edges of its windows down to its hop.
        self.hop = int(getattr(view.retain, "hop", 0))
        kinds = tuple(dict.fromkeys([self.subject, view.source, view.source]))
        self.events = generated_stream(kinds, self.longest, N_EVENTS, 11)
        self.moment = max(event.event_time for event in self.events) + 1
        (model,) = generated_stream((self.subject,), DAY, 2, 12)[:1]
        self.key = next(
            str(e.body[self.key_column]) for e in self.events if e.kind == view.source and self.key_column in e.body
        )
        body = {**model.body, view.entity: self.key}
        self.request = Event(self.subject, "asked", self.moment, self.moment, body)
        # Facts to be planted: rows of the view's source that satisfy its conditions, with values unlike the rest.
        planted = [e for e in generated_stream((view.source,), DAY, 40, 13) if self._of_view(e)]
        self.bodies = [{**self._unlike(event, n), self.key_column: self.key} for n, event in enumerate(planted)]
        assert len(self.bodies) >= 2

    @property
    def key_column(self) -> str:
        return str(getattr(self.view, "key", None) or self.view.entity)

    def _of_view(self, event: Event) -> bool:
        return all(condition.holds(event.body) for condition in self.view.conditions)

    @staticmethod
    def _unlike(event: Event, number: int) -> dict[str, Value]:
        """Its columns, with identifiers that no other event has."""
        keys = {name for name, column in KINDS[event.kind].items() if column.type is ColumnType.KEY}
        return {name: f"{name}-{number}" if name in keys else value for name, value in event.body.items()}

    @property
    def somebody_else(self) -> str:
        """Another entity; where a category is the entity, another of its values."""
        column = KINDS[self.view.source][self.key_column]
        known = ("USD",) if column.name == "currency" else column.values or ("somebody-else",)
        return next(value for value in known if value != self.key)

    def planted(self, *times: int, key: str | None = None) -> list[Event]:
        """Facts of the view at given times."""
        bodies: Iterator[dict[str, Value]] = (self.bodies[n % len(self.bodies)] for n in range(len(times)))
        return [
            Event(self.view.source, f"planted{n}", time, time, body if key is None else {**body, self.key_column: key})
            for n, (time, body) in enumerate(zip(times, bodies, strict=True))
        ]

    def offline(self, *more: Event, before: tuple[Event, ...] = ()) -> pa.Table:
        """Features of the request when other facts arrive before all, or last before it."""
        table = build_snapshot(
            self.chosen, memory_journal([*before, *self.events, *more, self.request]), PLATFORM, threads=1
        )
        return table.table.slice(table.table.num_rows - 1)

    def online(self, *more: Event, before: tuple[Event, ...] = ()) -> np.ndarray:
        state = OnlineState(self.chosen, PLATFORM)
        state.warm(memory_journal([*before, *self.events, *more]))
        vector = state.vector(self.request)
        return np.array([*vector.values, vector.truncated, vector.stale])

    def numbers(self, table: pa.Table) -> np.ndarray:
        names = [name for name in self.chosen.names if name not in self.chosen.categorical]
        return np.array([float(table[name][0].as_py()) for name in [*names, "truncated", "stale"]])

    def changes(self, *more: Event, before: tuple[Event, ...] = ()) -> bool:
        """Whether any feature or flag of the request changes, on either clock."""
        plain, mixed = self.numbers(self.offline()), self.numbers(self.offline(*more, before=before))
        return not same_bits(plain, mixed) or not same_bits(self.online(), self.online(*more, before=before))


@pytest.fixture(scope="module", params=VIEWS, ids=IDS)
def world(request: pytest.FixtureRequest) -> World:
    product, view = request.param
    return World(product, view)


def test_the_request_has_a_past_and_more_of_it_changes_it(world: World) -> None:
    """The control: a fact within every window does change something."""
    assert world.changes(*world.planted(*range(world.moment - 20, world.moment)))


def test_events_at_or_after_the_request_change_nothing(world: World) -> None:
    assert not world.changes(*world.planted(world.moment, world.moment, world.moment + 1, world.moment + HOUR // 2))


def test_events_before_the_longest_window_change_nothing(world: World) -> None:
    edge = world.moment - world.longest - world.hop
    old = world.planted(edge - 1, edge - 1, edge - PLATFORM.max_lateness, edge - PLATFORM.max_lateness - 1, edge - DAY)
    assert not world.changes(*old)
    assert not world.changes(before=tuple(old))


def test_events_before_a_window_do_not_change_its_features(world: World) -> None:
    """Each window has its own edge: an event just before it is seen by longer windows only."""
    for window in world.view.windows:
        edge = world.moment - window - world.hop
        old = world.planted(edge - 1, edge - 1)
        plain, mixed = world.offline(), world.offline(*old)
        for aggregate in world.view.features:
            reach = getattr(aggregate, "reach", aggregate.windows if aggregate.WINDOWED else (world.longest,))
            for name, width in zip(aggregate.names(world.view.stem), reach, strict=True):
                if (width or world.longest) <= window:
                    assert same_bits(plain[name].to_numpy(), mixed[name].to_numpy()), name


def test_the_lower_edge_is_closed() -> None:
    world = World("payment", EVERY)
    assert world.changes(*world.planted(world.moment - world.longest))
    assert not world.changes(*world.planted(world.moment - world.longest - 1))


def test_events_of_other_entities_change_nothing(world: World) -> None:
    at = world.moment - 1
    assert not world.changes(*world.planted(at, at - 1, at - 2, key=world.somebody_else))


def test_events_given_twice_change_nothing(world: World) -> None:
    assert not world.changes(*world.events)
    once = world.planted(world.moment - 1, world.moment - 2)
    assert same_bits(world.numbers(world.offline(*once)), world.numbers(world.offline(*once, *once, *world.events[:9])))
