"""The exam of every view; a new file under features/definitions takes it without being named here."""

from __future__ import annotations

import importlib
import re

import numpy as np
import pytest

from domain.events import Event
from features.catalogue import SUBJECTS, FeatureSet, compile_set, discover, load
from features.online import OnlineState
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.view import FeatureView
from tests.features.generated import generated_stream
from tests.features.naive import naive
from tests.features.streams import PLATFORM, memory_journal, same_bits

VIEWS = [(product, view) for product in SUBJECTS for view in discover(product).views]
IDS = [f"{product}-{view.name}" for product, view in VIEWS]
N_EVENTS = 160


def alone(product: str, view: FeatureView) -> FeatureSet:
    """The view by itself, with what can be derived from it and the request."""
    return compile_set(FeatureSettings(product=product), PLATFORM, (view,), discover(product).derived, {})


def stream(product: str, view: FeatureView, seed: int = 1) -> list[Event]:
    kinds = tuple(dict.fromkeys([SUBJECTS[product], view.source, view.source]))
    return generated_stream(kinds, int(1.5 * max(view.windows)), N_EVENTS, seed)


@pytest.mark.parametrize(("product", "view"), VIEWS, ids=IDS)
def test_is_documented(product: str, view: FeatureView) -> None:
    folder = {"payment": "payment", "loan": "credit"}[product]
    module = importlib.import_module(f"features.definitions.{folder}.{view.name}")
    assert module.__doc__
    assert module.__doc__.endswith(".")
    assert view.rationale.endswith(".")
    assert view.owner
    for feature in alone(product, view).features:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", feature.name)
        assert feature.doc
        assert feature.unit
        assert feature.group
        assert feature.sign in (None, 1, -1)


@pytest.mark.parametrize(("product", "view"), VIEWS, ids=IDS)
def test_both_clocks_are_the_law(product: str, view: FeatureView) -> None:
    chosen = alone(product, view)
    events = stream(product, view)
    rows = {row["seq"]: row for row in build_snapshot(chosen, memory_journal(events), PLATFORM).table.to_pylist()}
    state = OnlineState(chosen, PLATFORM)
    numbers = [name for name in chosen.names if name not in chosen.categorical]
    n_found = 0
    for event in events:
        row = rows.get(event.seq)
        if row is not None:
            vector = state.vector(event)
            expected = np.array([row[name] if name in numbers else np.nan for name in chosen.names])
            assert same_bits(vector.values, expected.astype(np.float64))
            if event.seq % 5 == 0:
                answer = naive(view, events, event, PLATFORM)
                found = np.array([row[name] for name in answer.values])
                assert same_bits(np.array(list(answer.values.values())), found)
                n_found += np.count_nonzero(found > 0)
        state.apply(event)
    assert n_found > 10, "the generated events never reach this view"


@pytest.mark.parametrize(("product", "view"), VIEWS, ids=IDS)
def test_no_future(product: str, view: FeatureView) -> None:
    chosen = alone(product, view)
    events = stream(product, view, seed=2)
    full = build_snapshot(chosen, memory_journal(events), PLATFORM).table
    half = build_snapshot(chosen, memory_journal(events[: N_EVENTS // 2]), PLATFORM).table
    assert half.num_rows > 0
    for name in (name for name in chosen.names if name not in chosen.categorical):
        assert same_bits(half[name].to_numpy(), full[name].to_numpy()[: half.num_rows]), name


def nobody(view: FeatureView) -> str:
    """An entity without events; a currency must be one that has a rate."""
    return "USD" if view.entity == "currency" else "nobody"


@pytest.mark.parametrize(("product", "view"), VIEWS, ids=IDS)
def test_unseen_and_absent_entities(product: str, view: FeatureView) -> None:
    chosen = alone(product, view)
    request = next(event for event in stream(product, view, seed=3) if event.kind == chosen.subject_kind)
    unseen = Event(request.kind, "u", request.event_time, request.known_at, {**request.body, view.entity: nobody(view)})
    vector = OnlineState(chosen, PLATFORM).vector(unseen)
    named = dict(zip(chosen.names, vector.values.tolist(), strict=True))
    for name in view.feature_names():
        if name.endswith("_is_new"):
            assert named[name] == 1 or np.isnan(named[name]), name
            continue
        is_count = re.search(r"(_(count|distinct|degree|shared_with)_\d+[smhd]|_streak)$", name)
        assert named[name] == 0 if is_count else np.isnan(named[name]), name
    body = {name: value for name, value in request.body.items() if name != view.entity}
    absent = OnlineState(chosen, PLATFORM).vector(Event(request.kind, "a", request.event_time, request.known_at, body))
    named = dict(zip(chosen.names, absent.values.tolist(), strict=True))
    assert all(np.isnan(named[name]) for name in view.feature_names())
    assert not any([vector.truncated, vector.stale, absent.truncated, absent.stale])


@pytest.mark.parametrize("product", list(SUBJECTS))
def test_all_views_together(product: str) -> None:
    chosen = load(FeatureSettings(product=product), PLATFORM)  # type: ignore[arg-type]
    kinds = tuple(dict.fromkeys([chosen.subject_kind, *(view.source for view in chosen.views)]))
    events = generated_stream(kinds, 40 * 86_400_000_000, 300, 4)
    journal = memory_journal(events[:150])
    state = OnlineState(chosen, PLATFORM)
    assert state.follow(journal) == 150
    journal.append(events[150:])
    rows = {row["seq"]: row for row in build_snapshot(chosen, journal, PLATFORM).table.to_pylist()}
    for event in events[150:]:
        if event.seq in rows:
            vector, row = state.vector(event), rows[event.seq]
            numbers = [np.nan if name in chosen.categorical else row[name] for name in chosen.names]
            assert same_bits(vector.values, np.array(numbers, dtype=np.float64))
            assert vector.texts == tuple(row[name] for name in chosen.categorical)
        state.apply(event)
