"""A report in a notebook holds what the page holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import InputError
from training.challenger import Trained
from training.report.assemble import report_settings
from training.report.shown import Shown, report_on
from training.tracking import Tracker

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def shown(trained_once: tuple[Tracker, Trained]) -> Shown:
    return report_on(trained_once[1], report_settings(ROOT / "configs", light=True), lang="zh")


def test_the_table_has_every_statistic_and_the_sections_their_worst(shown: Shown) -> None:
    table, statuses = shown.table(), shown.statuses()
    assert len(table) == sum(len(section.statistics) for section in shown.page.sections)
    assert table.loc[("discrimination", "auc"), "name"] == "AUC"
    assert statuses.loc["calibration", "title"] == "概率校准"
    assert set(statuses["status"]) <= {"pass", "amber", "red", "not assessed"}
    assert "概率校准" in shown._repr_html_()


def test_every_picture_can_be_had_by_its_name(shown: Shown) -> None:
    assert "calibration.reliability" in shown.pictures()
    assert shown.picture("calibration.reliability")._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"calibration\.reliability"):
        shown.picture("calibration.absent")


def test_the_pages_are_those_of_the_command(shown: Shown, tmp_path: Path) -> None:
    names = [path.name for path in shown.write(tmp_path, ["en"])]
    assert names == ["report.en.html", "report.json"]
