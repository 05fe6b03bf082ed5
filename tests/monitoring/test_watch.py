"""The watch over a month: each planted trouble on its day and in its place, each told once, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from domain.errors import DefinitionError, InputError
from domain.time import DAY, HOUR, MINUTE
from monitoring.heartbeat import Heartbeat, read_heartbeat
from monitoring.indicator import Indicator, indicators
from monitoring.limits import LimitSettings
from monitoring.reading import Reading
from monitoring.sinks import LinesSink
from monitoring.watch import Watched, watch
from stores.breaches import Breaches
from stores.settings_files import load_settings
from tests.monitoring.world import CONFIGS, START, Scale, World, make_world

FIRST = 34
SCALE = Scale(days=60, per_day=110)
EVERY = tuple(each for each in indicators() if each.period == "day")
"""Those of a week or a month are not due on the day a test looks."""
SHIPPED = load_settings(CONFIGS / "limits.yaml", LimitSettings)
DAILY = {each.key for each in EVERY}
LIMITS = SHIPPED.model_copy(
    update={"limits": {key: limit for key, limit in SHIPPED.limits.items() if limit.indicator in DAILY}}
)


def day_of(rows: pd.DataFrame) -> pd.Series:
    return (rows["event_time"] - START) // DAY


def planted(rows: pd.DataFrame) -> pd.DataFrame:
    """A wave of fraud by mobile (36–37), a mule (41), amounts in another unit (45, a feature too), silence (49),
    scripts (53), a feature that moved (57).
    """
    rows = rows.copy()
    day = day_of(rows)
    wave = day.isin([36, 37]) & (rows["channel"] == "mobile")
    rows.loc[wave, "raw_score"] += 3.5
    rows.loc[day == 45, "amount"] *= 100
    rows.loc[day == 49, "decided"] = False
    rows.loc[day == 57, "count_1h"] += 2
    mule = rows[day == 41].head(15).assign(payee_id="p-mule", amount=600_000, channel="bank_card")
    mule["customer_id"] = [f"victim{place}" for place in range(len(mule))]
    scripts = rows[day == 53].head(30)
    again = [scripts.assign(event_time=scripts["event_time"] + n * MINUTE, known_at=scripts["event_time"] + n * MINUTE)
             for n in (1, 2)]  # fmt: skip
    return pd.concat([rows, mule, *again], ignore_index=True)


FOUND = [
    ("estimated-events", "product=payment,channel=mobile", 36),
    ("alerts", "product=payment,channel=mobile", 36),
    ("concentration", "by=payee", 41),
    ("amount-median", "", 45),
    ("decisions-silent", "product=payment", 49),
    ("rapid-payments", "", 53),
    ("feature-drift", "product=payment", 45),
    ("feature-drift", "product=payment", 57),
]


def run(world: World, day: int, **more: object) -> Watched:
    """As of the end of a day."""
    until = START + (day + 1) * DAY
    return watch(world.look(until, until), EVERY, LIMITS, clock=lambda: until, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module", name="month")
def _month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Watched]]:
    world = make_world(tmp_path_factory.mktemp("month"), 3, SCALE, planted)
    yield world, run(world, SCALE.days - 1, since=START + FIRST * DAY)
    world.database.close()


@pytest.mark.parametrize(("limit", "place", "day"), FOUND)
def test_a_planted_trouble_is_found_on_its_day_in_its_place(month, limit, place, day):
    notes = [note for note in month[1].notes if (note.limit, note.place) == (limit, place)]
    raised = [note for note in notes if note.turn == "raised"]
    days = [(note.at - START) // DAY - 1 for note in raised]
    assert days == [at for *which, at in FOUND if which == [limit, place]]
    assert day < SCALE.days - 3 or raised[-1].level in ("warning", "high")
    turns = [note.turn for note in notes if note.turn != "worse"]
    assert turns == (["raised", "cleared"] * len(days))[: len(turns)]


def test_nothing_is_raised_on_a_day_on_which_nothing_is(month):
    """Within three days of a trouble its echoes may be heard; the other days are quiet."""
    near = {trouble + after for *_, trouble in FOUND for after in range(3)}
    raised = [
        (note.limit, note.place, (note.at - START) // DAY - 1) for note in month[1].notes if note.turn == "raised"
    ]
    assert len([one for one in raised if one[-1] not in near]) <= 1, raised


def test_running_again_raises_nothing_twice(month):
    world, done = month
    before = Breaches(world.database).notes()
    again = run(world, SCALE.days - 1)
    assert (again.n_chunks, again.n_readings, again.notes) == (0, 0, ())
    assert again.open == done.open
    assert Breaches(world.database).notes() == before


def test_day_by_day_says_the_same_as_catching_up_at_once(month, tmp_path):
    world, whole = month
    daily = make_world(tmp_path, 3, SCALE, planted)
    last = FIRST + 8
    try:
        done = [run(daily, day) for day in range(FIRST, last)]
        told = [(note.breach, note.turn, note.at, note.level, note.value) for each in done for note in each.notes]
        assert told
        assert told == [
            (note.breach, note.turn, note.at, note.level, note.value)
            for note in whole.notes if note.at <= START + last * DAY
        ]  # fmt: skip
        for day, each in zip(range(FIRST, last), done, strict=True):
            then = Breaches(world.database).open(until=START + (day + 1) * DAY + 1)
            assert [one.breach for one in then] == [one.breach for one in each.open]
    finally:
        daily.database.close()


# ----------------------------------------------------------------- the watch on made-up indicators


@pytest.fixture(name="small")
def _small(tmp_path: Path) -> Iterator[World]:
    world = make_world(tmp_path / "home", 0, Scale(days=1, per_day=1))
    yield world
    world.database.close()


def made_up(values: dict[int, float], *, restricted: bool = False) -> Indicator:
    def read(sight):
        value = values.get((sight.since - START) // DAY)
        return () if value is None else (Reading(value, 9),)

    return Indicator("made_up", "made up", read, restricted=restricted)


def limits(**more: object) -> LimitSettings:
    rule = {
        "indicator": "made_up", "raise": {"attention": 2, "high": 4}, "clear": 1, "owner": "desk",
        "expires": "2026-03-05", "action": {"zh": "查明", "en": "look"}, "source": "a test", **more,
    }  # fmt: skip
    return LimitSettings.model_validate({"heartbeat": "26h", "limits": {"rule": rule}})


def look(world: World, day: int, indicator: Indicator, settings: LimitSettings, **more: object) -> Watched:
    until = START + (day + 1) * DAY
    return watch(world.look(until, until), [indicator], settings, clock=lambda: until, **more)  # type: ignore[arg-type]


def test_a_breach_is_raised_worsened_and_cleared_once_each(small):
    indicator = made_up({0: 1.5, 1: 2.5, 2: 2.5, 3: 5.0, 4: 1.5, 5: 0.5, 6: 2.5})
    said = [[note.turn for note in look(small, day, indicator, limits()).notes] for day in range(7)]
    assert said == [[], ["raised"], [], ["worse"], [], ["cleared"], ["raised"]]
    assert len({each.breach for each in Breaches(small.database).breaches()}) == 2


def test_a_chunk_is_never_read_twice_even_if_it_would_say_something_else(small):
    assert look(small, 2, made_up({2: 1.0}), limits()).notes == ()
    assert look(small, 2, made_up({2: 9.0}), limits()).notes == ()


def test_what_was_never_read_begins_with_its_newest_day_or_where_it_is_told_to(small, tmp_path):
    busy = made_up(dict.fromkeys(range(9), 5.0))
    assert look(small, 5, busy, limits()).n_chunks == 1
    other = make_world(tmp_path / "other", 0, Scale(days=1, per_day=1))
    assert look(other, 5, busy, limits(), since=START + 2 * DAY).n_chunks == 4
    assert look(other, 8, busy, limits()).n_chunks == 3
    other.database.close()


def test_a_since_of_years_is_refused(small):
    with pytest.raises(InputError, match="at most 400 days before"):
        look(small, 5, made_up({}), limits(), since=0)


def test_a_limit_on_what_nobody_reads_is_refused(small):
    with pytest.raises(DefinitionError, match=r"expected indicators out of made_up, got \['other'\]"):
        look(small, 2, made_up({}), limits(indicator="other"))


def test_the_restricted_class_is_kept_but_not_named(small, tmp_path):
    lines = LinesSink(tmp_path / "told.jsonl", "attention")
    done = look(small, 2, made_up({2: 9.0}, restricted=True), limits(), sinks=[lines])
    assert (done.notes, done.open, lines.path.exists()) == ((), (), False)
    assert len(Breaches(small.database).open(restricted=True)) == 1
    assert len(look(small, 3, made_up({3: 9.0}, restricted=True), limits(), restricted=True).open) == 1


def test_each_note_is_told_once(small, tmp_path):
    lines = LinesSink(tmp_path / "told.jsonl", "attention")
    indicator = made_up({1: 2.5, 2: 2.5, 3: 5.0, 4: 0.5})
    for day in (1, 2, 3, 3, 4, 4):
        look(small, day, indicator, limits(), sinks=[lines])
    told = [json.loads(line)["turn"] for line in lines.path.read_text(encoding="utf-8").splitlines()]
    assert told == ["raised", "worse", "cleared"]


def test_a_fault_within_a_chunk_leaves_nothing_of_it(small):
    def read(sight):
        yield Reading(9.0, 1, where="a")
        raise InputError("broken feed")

    broken = Indicator("made_up", "made up", read)
    with pytest.raises(InputError, match="broken feed"):
        look(small, 2, broken, limits())
    store = Breaches(small.database)
    assert (store.newest_run("made_up"), store.readings("made_up"), store.open()) == (None, [], [])
    assert len(look(small, 2, made_up({2: 9.0}), limits()).notes) == 1


# ----------------------------------------------------------------- what watches the watch


def read_one(key: str, world: World, day: int) -> dict[str, Reading]:
    (indicator,) = [each for each in EVERY if each.key == key]
    return {reading.where: reading for reading in indicator.read(world.sight(day))}


def test_a_pause_of_the_watch_is_a_finding(small):
    end = START + 3 * DAY
    assert read_one("watch_gap", small, 2) == {}
    Heartbeat(end - 24 * HOUR, end).write(small.home.heartbeat)
    assert read_one("watch_gap", small, 2)[""].value == 24
    Heartbeat(end - 50 * HOUR, end).write(small.home.heartbeat)
    gap = read_one("watch_gap", small, 2)[""].value
    assert gap is not None
    assert LIMITS.limits["watch-stopped"].level(gap).value == "warning"


def test_a_run_beats_the_heart_and_never_turns_it_back(small):
    for day, expected in ((5, 6), (3, 6), (7, 8)):
        look(small, day, made_up({}), limits())
        beat = read_heartbeat(small.home.heartbeat)
        assert beat is not None
        assert beat.as_of == START + expected * DAY


def test_an_expired_limit_is_a_finding_and_still_raises(small, tmp_path):
    configs = tmp_path / "configs"
    configs.mkdir()
    settings = limits()
    text = yaml.safe_dump(
        {"heartbeat": "26h", "limits": {"rule": settings.limits["rule"].model_dump(mode="json", by_alias=True)}}
    )
    (configs / "limits.yaml").write_text(text, encoding="utf-8")
    world = World(small.home, small.database, small.journal, small.ledger, small.frame, configs)
    past = {day: read_one("limit_expired", world, day)["limit=rule"].value for day in (3, 4, 5)}
    assert past == {3: -1, 4: 0, 5: 1}
    rule = LIMITS.limits["limit-expired"]
    assert [rule.level(past[day]).value for day in (3, 4)] == ["normal", "attention"]
    assert len(look(world, 9, made_up({9: 9.0}), settings).notes) == 1


def test_silence_is_counted_from_the_last_that_came(month):
    world, _ = month
    quiet = read_one("silence_decisions", world, 49)["product=payment"].value
    assert quiet is not None
    last = world.frame[(world.frame["decided"]) & (world.frame["event_time"] < START + 50 * DAY)]["event_time"].max()
    assert quiet == pytest.approx((START + 50 * DAY - last) / HOUR)
    assert set(read_one("silence_outcomes", world, 49)) == {"subject=transaction"}
