"""Ablation: what is missed is what makes the labels; nothing later than the folds is looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cli.features_ablate import group_rows, markdown
from domain.settings import PlatformSettings
from features.catalogue import load
from features.replay import build_snapshot
from stores.journal import Journal
from training.ablation import Ablation, ablate
from training.dataset import label
from training.settings import TrainingSettings
from training.splits import make_split


def run(settings: TrainingSettings, platform: PlatformSettings, journal: Journal, *, spoilt: bool = False) -> Ablation:
    chosen = load(settings.features, platform)
    rows = build_snapshot(chosen, journal, platform)
    dataset = label(rows.table, journal.read("outcome"), settings.policy, settings.maturity.after)
    split = make_split(dataset, settings, platform.time_zone)
    if spoilt:
        later = [replace(part, y=1 - part.y) for part in (split.calibration, split.test)]
        split = replace(split, calibration=later[0], test=later[1])
    return ablate(settings, chosen, dataset, split, platform.time_zone, rounds=20)


@pytest.fixture(scope="module")
def found(settings: TrainingSettings, platform: PlatformSettings, journal: Journal) -> Ablation:
    return run(settings, platform, journal)


def test_what_makes_the_labels_is_missed(found: Ablation) -> None:
    earned = {each.group: each for each in found.groups}
    assert set(earned) == {"payment", "card", "merchant", "amount_pattern", "timing"}
    assert earned["payment"].alone > earned["card"].alone
    assert found.whole > 3 * found.n_events / found.n_rows
    for each in found.groups:
        assert each.interval.low <= each.lost <= each.interval.high
    assert [each.lost for each in found.groups] == sorted((each.lost for each in found.groups), reverse=True)


def test_gain_is_shared_out(found: Ablation, settings: TrainingSettings, platform: PlatformSettings) -> None:
    chosen = load(settings.features, platform)
    assert list(found.gains) == list(chosen.names)
    assert sum(found.gains.values()) == pytest.approx(1)
    assert sum(each.share for each in found.groups) == pytest.approx(1)
    assert found.gains["amount"] > np.median(list(found.gains.values()))
    assert found.table()["features"].sum() == len(chosen.names)


def test_later_labels_are_not_used(
    found: Ablation, settings: TrainingSettings, platform: PlatformSettings, journal: Journal
) -> None:
    assert run(settings, platform, journal, spoilt=True) == found


def test_the_tables_have_every_group_and_feature(found: Ablation) -> None:
    text = markdown(found)
    assert len(group_rows(found)) == len(found.groups)
    assert all(f"| {each.group} |" in text for each in found.groups)
    assert all(f"| `{name}` |" in text for name in found.gains)
