"""What a notebook calls: train and evaluate by name, results that show themselves, nothing heavy at import."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import training
from domain.errors import DataError, InputError, ModelError
from domain.time import DAY, Clock, format_instant
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from tests.training.conftest import ROOT, START, payments
from tests.training.test_splits import ZONE, dataset
from training.cards import card
from training.intake import IntakeSettings
from training.notebook import _period as choose
from training.periods import Period
from training.settings import TrainingSettings
from training.splits import measured_part
from training.workspace import Workspace

HEAVY = ("lightgbm", "mlflow", "optuna", "sklearn", "matplotlib", "pandas", "pyarrow", "numpy", "pydantic")


@pytest.fixture
def world(make_home: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with the small world in its journal."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = make_home("home")
    database = Database(home.database)
    Journal(database, home.segments).append_tables(payments(), "shop")
    database.close()
    return home


@pytest.mark.slow
def test_a_notebook_trains_and_measures_without_wiring(
    world: Home, settings: TrainingSettings, clock: Clock, make_home: Callable[[str], Home]
) -> None:
    lighter = settings.model_copy(update={"report": "light"})
    made = training.train(lighter, home=world.root, actor="lin", clock=clock)
    assert (made.name, made.version) == ("fraud", 1)
    assert {"report.en.html", "report.zh.html", "report.json"} <= {path.name for path in made.bundle.parent.iterdir()}
    assert made.table().loc["average_precision", "n"] == len(made.split.test.rows)

    # On the model's own test rows, by any name, the figures are those it was registered with, to the last bit.
    expected = {figure.name: figure for figure in made.measured.evaluation.figures}
    until = format_instant(made.split.test.period.end) if made.split.test.period else None
    for named in ("fraud@challenger", made.bundle):
        found = training.evaluate(named, home=world.root, until=until)
        assert {figure.name: figure for figure in found.evaluation.figures} == expected
        assert found.evaluation.warning is None
        assert found.bundle_hash == made.bundle_hash
    np.testing.assert_array_equal(found.scored.raw, made.measured.scored.raw)

    # Rows from the time of training are measured when asked for, and marked.
    early = training.evaluate("fraud@1", home=world.root, since="2026-01-10")
    assert early.evaluation.warning is not None
    assert "no evidence of future performance" in early.evaluation.warning
    assert "no evidence of future performance" in early._repr_html_()
    assert len(early.scored.y) > len(found.scored.y)

    # Rows of another journal, by a model of this registry.
    other = make_home("other")
    database = Database(other.database)
    Journal(database, other.segments).append_tables(payments(seed=1), "shop")
    database.close()
    elsewhere = training.evaluate("fraud@1", home=world.root, data=other.root)
    assert elsewhere.evaluation["auc"].value != expected["auc"].value
    assert elsewhere.evaluation["auc"].value > 0.7

    with pytest.raises(ModelError, match="expected a version or alias out of 1, challenger → 1, got 'champion'"):
        training.evaluate("fraud", home=world.root)

    for shown in (made, made.measured.evaluation, made.split, found):
        html = shown._repr_html_()
        assert html.count("<tr>") > 3
        assert len(html) < 20_000
        assert "<script" not in html
    for picture in (made.plot(), found.plot()):
        assert len(picture.axes) == 3
        assert picture._repr_png_().startswith(b"\x89PNG")


def test_a_period_is_later_than_the_model_and_mature() -> None:
    data = dataset(60, 5 * DAY)
    learnt = {"calibration": "x…y", "test": f"{format_instant(START + 40 * DAY)}…{format_instant(START + 50 * DAY)}"}
    assert choose(data, learnt, None, None, ZONE) == Period(START + 40 * DAY, START + 55 * DAY)
    assert choose(data, {}, START, START + DAY, ZONE) == Period(START, START + DAY)
    assert choose(dataset(0, 0), {}, None, None, ZONE) is None
    with pytest.raises(DataError, match=r"expected mature rows from .* final up to"):
        choose(data, learnt, START + 55 * DAY, None, ZONE)
    with pytest.raises(InputError, match="expected none for rows without time"):
        choose(dataset(0, 0), {}, START, None, ZONE)
    with pytest.raises(DataError, match="ImmatureLabels"):
        measured_part(data, Period(START, START + 56 * DAY))
    assert len(measured_part(dataset(0, 0), None).rows) == 4_000


def test_a_card_escapes_what_it_is_given_and_stays_small() -> None:
    attack = "<img src=x onerror=alert(1)>"
    table = pd.DataFrame({attack: [attack] * 500, "n": [1_000] * 500}, index=pd.Index([attack] * 500, name=attack))
    html = card(attack, table, facts={attack: attack}, warning=attack)
    assert "<img" not in html
    assert html.count("&lt;img") > 40
    assert "460 more rows" in html
    assert "1,000" in html
    assert card("t", pd.DataFrame({"a": [None, 0.123456]})).count("0.1235") == 1


def test_importing_training_imports_nothing_heavy() -> None:
    code = f"import sys, training; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        training.nothing  # noqa: B018 - asking is the test


def test_what_is_not_there_is_named(tmp_path: Path, settings: TrainingSettings) -> None:
    with pytest.raises(InputError, match="expected a training config, or the name of one in the configs, got 'fraude'"):
        training.train("fraude", home=tmp_path)
    with pytest.raises(DataError, match=r"expected a home with a journal \(assay\.db\)"):
        training.train(settings, home=tmp_path / "none")
    with pytest.raises(InputError, match="such as fraud@champion"):
        training.evaluate("some/where", home=tmp_path)


def test_the_audit_keeps_to_the_limits_of_the_house(world: Home, settings: TrainingSettings, tmp_path: Path) -> None:
    configs = tmp_path / "configs"
    shutil.copytree(ROOT / "configs", configs)
    # An honest column of this world is a leak by these.
    limits = "leaked_auc: {value: 0.6, source: this house}\nstrong_auc: {value: 0.55, source: this house}\n"
    (configs / "intake.yaml").write_text(limits, encoding="utf-8")
    with pytest.raises(DataError, match="leaked_column"):
        training.train(settings, home=world.root, actor="lin", configs=configs)

    own = {"limits": {"leaked_auc": {"value": 0.99, "source": "this model"}}}
    kept = Workspace.of(world, configs=configs).audited(settings.model_copy(update={"intake": _intake(own)})).intake
    assert kept.limits.leaked_auc.source == "this model"
    assert Workspace.of(world, configs=tmp_path).audited(settings) == settings


def _intake(content: dict[str, object]) -> IntakeSettings:
    return IntakeSettings.model_validate(content)
