"""Weeks of performance: none is compared with itself, and one that is bad among good ones stands out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from domain.decision import Product
from domain.settings import PlatformSettings
from domain.time import DAY, parse_instant
from monitoring import performance_course
from monitoring.calculators.estimated import Estimated
from monitoring.calculators.realised import Realised
from monitoring.oversight.look import Look
from monitoring.oversight.pages import performance
from monitoring.performance_course import against, is_compared
from monitoring.traffic import Traffic
from scoring.pages.page import Table
from scoring.pages.status import Status
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.ledger import Ledger
from stores.settings_files import load_settings
from tests.monitoring.planted import CONFIGS
from tests.monitoring.test_every_calculator import changed, shuffled_labels, traffic

SINCE = parse_instant("2026-05-04T00:00:00+08:00")
WEEKS, A_WEEK = 4, 600


def weeks(bad: int | None = None, mature: int = WEEKS) -> Traffic:
    """Four weeks of calibrated payments; labels of one say nothing, those of the last are not mature."""
    rows = traffic(11, WEEKS * A_WEEK)
    week = np.arange(len(rows)) // A_WEEK
    y = rows.numbers("y").copy()
    if bad is not None:
        y[week == bad] = shuffled_labels(rows.take(week == bad)).numbers("y")
    y[week >= mature] = np.nan
    return changed(rows, y=y, time=SINCE + week * 7 * DAY)


def statuses(rows: Traffic, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Status, Any, Any]:
    """Of the section of payments, and of the weeks of both tables."""
    home = Home(folder)
    database = Database(home.database)
    platform = load_settings(CONFIGS / "platform.yaml", PlatformSettings)
    journal, ledger = Journal(database, home.segments), Ledger(database, bytes(32))
    look = Look(home, CONFIGS, platform, database, journal, ledger, SINCE, SINCE + WEEKS * 7 * DAY)
    monkeypatch.setattr(performance_course, "labelled", lambda *_: rows)
    monkeypatch.setattr(
        performance, "deployed", lambda _, product: SimpleNamespace(bundle=None) if product is Product.PAYMENT else None
    )
    section = performance.build(look)[0]
    database.close()
    tables = {each.key: each.statuses for each in section.blocks if isinstance(each, Table)}
    return section.status, tables["realised"], tables["estimated"]


def test_the_only_mature_week_is_shown_and_not_assessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for bad in (None, 0):
        section, realised, estimated = statuses(weeks(bad, mature=1), tmp_path, monkeypatch)
        assert {section, *realised, *estimated} == {Status.NOT_ASSESSED}


def test_a_bad_week_is_amber_among_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section, realised, estimated = statuses(weeks(2), tmp_path, monkeypatch)
    assert (section, realised[2]) == (Status.AMBER, Status.AMBER)
    assert set(estimated) == {Status.PASS}
    assert statuses(weeks(), tmp_path, monkeypatch)[0] is Status.PASS


def test_of_two_mature_weeks_each_is_held_against_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, realised, _ = statuses(weeks(1, mature=2), tmp_path, monkeypatch)
    assert realised == (Status.AMBER, Status.AMBER, Status.NOT_ASSESSED, Status.NOT_ASSESSED)


@pytest.mark.parametrize("calculator", [Realised, Estimated])
def test_a_figure_without_anything_beside_it_keeps_its_interval(calculator: Any) -> None:
    rows = traffic(3)
    nobody = rows.take(np.zeros(len(rows), bool))
    alone = {each.name: each for each in against(calculator, rows, nobody)}
    beside = {each.name: each for each in against(calculator, rows, traffic(4, 3_000))}
    assert alone.keys() == beside.keys()
    for name, each in alone.items():
        assert not is_compared(each)
        assert not each.alarming
        assert is_compared(beside[name])
        assert (each.value, each.low, each.high) == (beside[name].value, beside[name].low, beside[name].high)


def test_a_week_that_has_nothing_itself_stays_without_a_value() -> None:
    few = traffic(3, 20)
    for rest in (few, traffic(4)):
        assert not any(each.assessed for each in against(Realised, few, rest))
    bare = replace(few, frame=few.frame[["time"]])
    assert not any(each.assessed for each in against(Realised, bare, traffic(4)))
