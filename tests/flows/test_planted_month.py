"""A simulated month in which the watch finds each plant on its day or the day after, and a quiet one in which it rests.

Budget of a quiet month: at most 3 breaches raised at warning or above in 30 days, over all indicators and places.
Three seeds with plants and three without here; ``make chaos`` asks for 20 quiet ones.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from domain.time import DAY, HOUR, format_instant, parse_instant
from stores.breaches import Breaches, Note
from stores.vault import Vault
from tests.monitoring.aml.world import OFFICER, configs
from tests.monitoring.month import KEY, Month, month
from tests.serving.world import CONFIGS

BUDGET = 3
SEEDS = (1, 2, 3)
MANY = range(4, 1 + int(os.environ.get("ASSAY_QUIET_MONTHS", "3")))
RING = "mule_ring@2026-03-24"
FOUND = {
    "complaint_burst@2026-03-17": ("complaints-overdue", ""),
    "fraud_wave@2026-03-20": ("fraud-reports", "channel=bank_card"),
    "channel_outbreak@2026-03-27": ("fraud-reports", "channel=digital_currency"),
    "busy_payee@2026-03-31": ("concentration", "by=merchant"),
    "drift@2026-04-03": ("feature-drift", "product=payment"),
}
"""Plant → a limit and place in which it must be raised; a complaint is late the day after it came in."""


def run(made: Month, *arguments: str, configs: Path = CONFIGS, actor: str = "lin") -> tuple[int, Any]:
    """Exit code and JSON of a command on the month's home."""
    keys = {"ASSAY_CHAIN_KEY": KEY.hex(), "ASSAY_VAULT_KEY": KEY.hex()}
    said = CliRunner().invoke(
        app, ["--home", str(made.home.root), "--configs", str(configs), "--actor", actor, *arguments, "--json"],
        env=keys,
    )  # fmt: skip
    assert said.stdout, said.stderr or said.exception
    return said.exit_code, json.loads(said.stdout)


def noted(told: dict[str, Any]) -> Note:
    """A note as the command tells it."""
    names = ("breach", "limit", "turn", "level", "value", "by", "said")
    at = parse_instant(told["at"])
    return Note(**{name: told[name] for name in names}, indicator="", place=told["where"], at=at, restricted=False)


def watched(made: Month) -> list[Note]:
    """What `assay watch run` says of the month, day by day."""
    until, since = format_instant(made.until), format_instant(made.since)
    code, told = run(made, "watch", "run", "--as-of", until, "--since", since)
    alarming = [each for each in told["open"] if each["level"] in ("warning", "high")]
    assert code == (1 if alarming else 0)
    return [noted(each) for each in told["notes"]]


def day_of(note: Note) -> str:
    """The local day that the note is about."""
    return format_instant(note.at - DAY + 8 * HOUR)[:10]


def day(plant: str, after: int = 0) -> str:
    """The local day of a plant, or one after it."""
    at = parse_instant(f"{plant.partition('@')[2]}T00:00:00+08:00") + after * DAY
    return format_instant(at + 8 * HOUR)[:10]


Planted = tuple[Month, list[Note]]


@pytest.fixture(scope="module", params=SEEDS, name="planted")
def _planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    made = month(tmp_path_factory.mktemp("planted"), seed=request.param, plants=(*FOUND, RING))
    return made, watched(made)


@pytest.mark.slow
def test_each_plant_is_found_on_its_day_or_the_day_after_and_not_before(planted: Planted) -> None:
    raised = [(note.limit, note.place, day_of(note)) for note in planted[1] if note.turn == "raised"]
    first = min(map(day, FOUND))
    assert [one for one in raised if one[-1] < first and one[0] in dict(FOUND.values())] == []
    for plant, (limit, place) in FOUND.items():
        days = [at for one, where, at in raised if (one, where) == (limit, place)]
        assert {day(plant), day(plant, 1)} & set(days), (plant, days)


@pytest.mark.slow
def test_drift_of_many_features_is_one_breach_that_names_the_worst(planted: Planted) -> None:
    made, notes = planted
    drift = next(plant for plant in FOUND if plant.startswith("drift"))
    on = [note for note in notes if note.turn == "raised" and day_of(note) == day(drift) and "drift" in note.limit]
    assert [note.place for note in on if note.limit == "feature-drift"] == ["product=payment"]
    look = made.look()
    store = Breaches(look.database)
    at = next(note.at for note in on if note.limit == "feature-drift")
    each = store.readings("feature_drift", since=at - 1, until=at)
    (whole,) = store.readings("features_drifted", place="product=payment", since=at - 1, until=at)
    look.database.close()
    drifted = [one for one in each if one.value is not None and one.value >= 0.25 and not one.within_chance]
    assert whole.value == len(drifted) > 1
    worst = max(drifted, key=lambda one: one.value or 0.0)
    assert f": {worst.place.partition('feature=')[2]} {worst.value:.2f}" in whole.note


def mules_of(made: Month, *, but: frozenset[int] = frozenset()) -> set[str]:
    """Accounts that paid the collector: the planted truth, whatever any detector says.

    Parameters
    ----------
    but : ``seq`` of payments that were stopped.
    """
    look = made.look()
    collector = Vault(look.database, KEY).token("payee_id", "mule_ring-collector")
    paid = look.journal.read("transaction").to_pylist()
    look.database.close()
    return {row["account_id"] for row in paid if row["payee_id"] == collector and row["seq"] not in but}


def stopped(made: Month) -> frozenset[int]:
    """``seq`` of every payment that the service declined."""
    look = made.look()
    found = frozenset(look.ledger.declined())
    look.database.close()
    return found


def flows(made: Month, at: str, allowed: Path) -> dict[str, set[str]]:
    """Account → patterns that `assay aml flows` tells an officer of the five days that end with a day."""
    until = parse_instant(f"{at}T00:00:00+08:00") + DAY
    period = ("--since", format_instant(until - 5 * DAY), "--until", format_instant(until))
    code, told = run(made, "aml", "flows", *period, configs=allowed, actor=OFFICER)
    assert code == 0
    return {each["account"]: set(each["patterns"]) for each in told}


@pytest.mark.slow
def test_the_mule_ring_is_seen_by_those_who_may_on_its_first_day_and_by_nobody_else(
    planted: Planted, tmp_path: Path
) -> None:
    """As it happened: what the service declined did not, and only money that went out again passes through."""
    made, notes = planted
    mules, allowed = mules_of(made), configs(tmp_path / "configs")
    assert len(mules) == 3
    assert not mules & set(flows(made, day(RING, -1), allowed))
    for after in (0, 1):
        seen = flows(made, day(RING, after), allowed)
        assert mules <= set(seen)
        assert all("fan_in" in seen[mule] for mule in mules)
    # Whose every payment out was stopped passed nothing through.
    assert {mule for mule in mules if "pass_through" in seen[mule]} <= mules_of(made, but=stopped(made))
    assert not any(mule in note.place or mule in note.said for mule in mules for note in notes)


def false_alarms(root: Path, seed: int) -> list[tuple[str, ...]]:
    """What a month without a plant raised at warning or above."""
    notes = watched(month(root, seed=seed))
    return [(n.turn, n.limit, n.place, n.level, day_of(n)) for n in notes
            if n.turn in ("raised", "worse") and n.level in ("warning", "high")]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_quiet_month_stays_within_its_budget(seed: int, tmp_path: Path) -> None:
    raised = false_alarms(tmp_path, seed)
    assert len(raised) <= BUDGET, raised


@pytest.mark.chaos
@pytest.mark.parametrize("seed", MANY)
def test_many_quiet_months_stay_within_it_too(seed: int, tmp_path: Path) -> None:
    raised = false_alarms(tmp_path, seed)
    assert len(raised) <= BUDGET, raised
