"""A quiet month raises at most a stated number of breaches, over 3 seeds here and 20 in ``make chaos``.

Stated: at most 2 of any level in a month of 30 days, and 1 a month on average, over all limits and places together.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from domain.time import DAY
from monitoring.indicator import indicators
from monitoring.limits import LimitSettings
from monitoring.watch import watch
from stores.settings_files import load_settings
from tests.monitoring.world import CONFIGS, START, Scale, make_world

SEEDS = int(os.environ.get("ASSAY_QUIET_MONTHS", "3"))
WORST_MONTH, ON_AVERAGE = 2, 1.0
DAYS = 60


@pytest.mark.chaos
def test_quiet_months_raise_few_false_alarms(tmp_path: Path) -> None:
    limits = load_settings(CONFIGS / "limits.yaml", LimitSettings)
    until = START + DAYS * DAY
    found: Counter[int] = Counter()
    said = []
    for seed in range(SEEDS):
        world = make_world(tmp_path / str(seed), seed, Scale(days=DAYS, per_day=110))
        done = watch(world.look(until, until), indicators(), limits, clock=lambda: until, since=until - 30 * DAY)
        world.database.close()
        raised = [note for note in done.notes if note.turn == "raised"]
        found[seed] = len(raised)
        said += [(seed, note.limit, note.place, (note.at - START) // DAY) for note in raised]
    assert max(found.values()) <= WORST_MONTH, said
    assert found.total() <= ON_AVERAGE * SEEDS, said
