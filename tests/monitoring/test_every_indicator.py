"""The exam of every indicator: an empty home, a young one, no look ahead, and its own words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from domain.decision import RiskGrade
from domain.errors import DataError, DefinitionError
from domain.time import DAY, HOUR
from monitoring import indicators as folder
from monitoring.hysteresis import level_of
from monitoring.indicator import Indicator, indicators
from monitoring.limits import LimitSettings
from monitoring.oversight.site import catalogue
from monitoring.reading import Reading
from scoring.pages.words import LANGS, Catalogue
from stores.settings_files import load_settings
from tests.monitoring.world import CONFIGS, START, Scale, World, make_world

EVERY = indicators()
LIMITS = load_settings(CONFIGS / "limits.yaml", LimitSettings)
PAST_DAY = 30


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = make_world(tmp_path_factory.mktemp("world"), scale=Scale(days=40, per_day=80))
    yield world
    world.database.close()


@pytest.fixture(scope="module", name="past")
def _past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A home in which everything after a day never happened."""
    cut = START + (PAST_DAY + 1) * DAY
    past = make_world(
        tmp_path_factory.mktemp("past"), scale=Scale(days=40, per_day=80),
        plant=lambda rows: rows[rows["event_time"] < cut],
    )  # fmt: skip
    yield past
    past.database.close()


@pytest.fixture(scope="module", name="words")
def _words() -> Catalogue:
    return catalogue()


@pytest.fixture(scope="module", name="empty")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = make_world(tmp_path_factory.mktemp("empty"), scale=Scale(days=1, per_day=1), plant=lambda rows: rows[:0])
    yield world
    world.database.close()


@pytest.mark.parametrize("indicator", EVERY, ids=lambda each: each.key)
def test_nothing_to_read_raises_nothing(indicator: Indicator, empty: World) -> None:
    mine = [limit for limit in LIMITS.limits.values() if limit.indicator == indicator.key]
    for reading in indicator.read(empty.sight(20)):
        assert {level_of(limit, reading) for limit in mine if limit.holds_for(reading.where)} <= {RiskGrade.NORMAL}
        assert reading.value is not None or reading.note, "expected a note that says why nothing is assessed"


@pytest.mark.parametrize("indicator", EVERY, ids=lambda each: each.key)
def test_a_place_is_named_once_and_a_value_formed(indicator: Indicator, world: World) -> None:
    found = list(indicator.read(world.sight(38)))
    assert len({reading.where for reading in found}) == len(found)
    for reading in found:
        assert reading.note or reading.value is not None
        assert format(reading.value or 0.0, indicator.form)


@pytest.mark.parametrize("indicator", EVERY, ids=lambda each: each.key)
def test_what_was_known_later_changes_nothing(indicator: Indicator, world: World, past: World) -> None:
    assert list(indicator.read(past.sight(PAST_DAY))) == list(indicator.read(world.sight(PAST_DAY)))


@pytest.mark.parametrize("indicator", EVERY, ids=lambda each: each.key)
def test_its_title_is_said_in_both_languages(indicator: Indicator, words: Catalogue) -> None:
    for lang in LANGS:
        assert words.tongue(lang)(indicator.title)


def test_a_key_is_one_word() -> None:
    with pytest.raises(DefinitionError, match="indicator key: expected lower case letters"):
        Indicator("Grade Migration", "x", lambda sight: ())


def test_a_value_that_cannot_be_compared_is_refused() -> None:
    with pytest.raises(DataError, match="expected a finite value"):
        Reading(float("nan"), 3)


def test_a_sight_shows_nothing_that_became_known_later(world: World) -> None:
    sight = world.sight(20)
    for kind in ("transaction", "outcome"):
        table = sight.events(kind, since=START, until=START + 60 * DAY)
        assert max(table["known_at"].to_pylist()) < sight.until
        assert max(table["event_time"].to_pylist()) < sight.until
    assert max(sight.decisions("payment", since=START)["decided_at"].to_pylist()) < sight.until
    assert set(sight.events("transaction")["event_time"].to_pylist()) == {
        time for time in world.frame["event_time"] if sight.since <= time < sight.until
    }


def test_a_sight_reads_a_table_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    read = type(world.journal).read
    monkeypatch.setattr(type(world.journal), "read", lambda *a, **k: (reads.append(a[1]), read(*a, **k))[1])
    first = world.sight(20)
    chunks = first.chunks_before(3)
    assert [first.at(chunk).events("transaction").num_rows > 0 for chunk in chunks] == [True] * 3
    assert reads == ["transaction"]


def test_an_indicator_can_be_added_as_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "late_rent.py").write_text(
        "from monitoring.indicator import Indicator\n"
        "INDICATORS = (Indicator('late_rent', 'late rent', lambda sight: (), period='month'),)\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    assert [each.period for each in indicators() if each.key == "late_rent"] == ["month"]
    (tmp_path / "twice.py").write_text((tmp_path / "late_rent.py").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(DefinitionError, match="expected each key once, got late_rent again"):
        indicators()


def test_a_day_of_three_times_the_payments_is_found(tmp_path: Path) -> None:
    day = 35

    def plant(rows):
        mine = rows[(rows["event_time"] - START) // DAY == day]
        return pd.concat([rows, mine.assign(event_time=mine["event_time"] + HOUR // 60), mine], ignore_index=True)

    world = make_world(tmp_path, scale=Scale(days=40, per_day=80), plant=plant)
    (count,) = [each for each in EVERY if each.key == "payment_count"]
    try:
        said = {at: next(iter(count.read(world.sight(at)))) for at in (34, 35, 36)}
    finally:
        world.database.close()
    assert said[35].value is not None
    assert said[35].value > 2.5
    assert not said[35].within_chance
    assert said[34].within_chance
    assert said[36].within_chance
