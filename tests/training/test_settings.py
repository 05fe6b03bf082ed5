"""Every config is read; what is wrong is named with its file and field."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from domain.errors import DefinitionError
from domain.settings import PlatformSettings
from domain.time import DAY
from features.catalogue import load
from tests.training.conftest import ROOT
from training.settings import TrainingSettings, read_training_settings, settings_text


@pytest.mark.parametrize("name", ["fraud", "credit"])
def test_shipped_configs_are_read_compiled_and_written_back(name: str, platform: PlatformSettings) -> None:
    settings = read_training_settings(ROOT / "configs" / f"{name}.yaml")
    assert settings.name == name
    assert TrainingSettings.model_validate(yaml.safe_load(settings_text(settings))) == settings
    names = load(settings.features, platform).names
    assert not set(settings.protected) & set(names)
    assert len(names) > 20


def test_a_second_file_shortens_a_run() -> None:
    quick = read_training_settings(ROOT / "configs" / "fraud.yaml", ROOT / "configs" / "quick.yaml")
    whole = read_training_settings(ROOT / "configs" / "fraud.yaml")
    assert quick.search.trials < whole.search.trials
    assert quick.windows == whole.windows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"maturity": None}, "maturity"),
        ({"maturity": {"after": "soon", "source": "a test"}}, "duration such as 30s"),
        ({"maturity": {"after": "7d"}}, "maturity.source: Field required"),
        ({"label_policy": "fraud-1999"}, "expected one of fraud-2026-11, got 'fraud-1999'"),
        ({"windows": None}, "expected windows and folds.valid"),
        ({"split": "grouped", "shares": {"test": 0.2, "calibration": 0.2}}, "expected a key column exactly when"),
        ({"features": {"product": "loan"}}, "features.product: expected 'payment', got 'loan'"),
        ({"cutoffs": {"by": "share", "attention": 0.01, "warning": 0.03, "high": 0.1, "source": "a test"}}, "falling"),
        ({"costs": {"review": 12, "friction": "1.00 CNY", "source": "a test"}}, "costs.review"),
        ({"protected": ["shoe_size"]}, "protected: expected columns of transaction"),
        ({"protected": ["x_sex"], "features": {"product": "payment", "own": ["x_sex"]}}, "validation only"),
        ({"colour": "red"}, "colour: expected a known key (one of "),
        ({"fold": 4}, "fold: expected a known key (nearest: folds), got an unknown one with 4"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    content = yaml.safe_load((ROOT / "configs" / "fraud.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**content, **change}), encoding="utf-8")
    with pytest.raises(DefinitionError) as raised:
        read_training_settings(path)
    assert str(path) in str(raised.value)
    assert said in str(raised.value)


def test_a_wrong_override_names_both_files(tmp_path: Path) -> None:
    path = tmp_path / "over.yaml"
    path.write_text("search: {trials: 0}", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"fraud\.yaml with .*over\.yaml.*\n.*search\.trials"):
        read_training_settings(ROOT / "configs" / "fraud.yaml", path)


def test_maturity_is_one_duration_or_one_per_outcome_code(settings: TrainingSettings) -> None:
    several = {
        "chargeback_fraud": {"after": "45d", "source": "scheme rules"},
        "confirmed_fraud": {"after": "10d", "source": "the desk's queue"},
    }
    content = settings.model_dump(mode="json")
    read = TrainingSettings.model_validate({**content, "maturity": several})
    assert read.maturity.after == read.gap == 45 * DAY
    assert read.maturity.clock == {"chargeback_fraud": 45 * DAY, "confirmed_fraud": 10 * DAY}
    assert TrainingSettings.model_validate(read.model_dump(mode="json")) == read
    for wrong, message in (
        ({"chargeback": several["confirmed_fraud"]}, "expected outcome codes of fraud-2026-11"),
        ({"chargeback_fraud": {"after": "45d"}}, "source"),
        ({**read.maturity.model_dump(mode="json"), "after": "7d"}, "time of the slowest code"),
        ({"after": "7d"}, "source"),
        ({}, "after"),
    ):
        with pytest.raises(ValidationError, match=message):
            TrainingSettings.model_validate({**content, "maturity": wrong})
