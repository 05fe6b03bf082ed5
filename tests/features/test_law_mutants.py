"""Mutants of the visibility law must be caught, and the unmodified source must pass the same check."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LAW, SLAB, ROOM, LINKS = (f"features/kernel/{name}.py" for name in ("law", "slab", "room", "links"))
GROUPING, OFFLINE = "features/grouping.py", "features/offline.py"

MUTANTS = {
    "control": (LAW, "", ""),
    "sees its own instant": (LAW, "+ TIME] < time", "+ TIME] <= time"),
    "open lower edge": (LAW, "floored(time - window, hop)", "floored(time - window, hop) + 1"),
    "ignores seq": (OFFLINE, "np.arange(2 * len(rows)), rows", "np.arange(2 * len(rows)) ^ 1, rows"),
    "ignores seq between kinds": (GROUPING, "source_seqs[kept] * 2 + 1", "source_seqs[kept] * 0"),
    "forgets lateness": (LAW, "max_time - longest - lateness", "max_time - longest"),
    "evicts a full ring's oldest in silence": (SLAB, "if oldest >= bound", "if oldest > bound"),
    "waits while rows move": (SLAB, "end - 1, time + 1)", "end - 1, 2**62)"),
    "stale too late": (LAW, "time < max_time", "time <= max_time"),
    "truncated too late": (LAW, "dropped_time >= time", "dropped_time > time"),
    "late ties go first": (SLAB, "end, time + 1)", "end, time)"),
    "merges what a request may end in": (LAW, "floored(max_time - lateness, hop)", "floored(max_time, hop)"),
    "a merged tile forgets its extremes": (ROOM, "_merge_extremes(pool, last, row, programs, p)", "pass"),
    "merges across tiles": (ROOM, "kept > start and pool[last + TIME] == tile", "kept > start"),
    "a link forgets that its row moved": (LINKS, "pool[row + offset] = back + 1", "pass"),
    "a late row is linked to by none": (LINKS, "waiting = value != NULL", "waiting = False"),
    "a link ends before the window": (LINKS, "pool[at + TIME] - reach)", "pool[at + TIME] - reach // 2)"),
    "a full ring refuses ties": (SLAB, "if time < oldest", "if time <= oldest"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant(name: str, tmp_path: Path) -> None:
    where, old, new = MUTANTS[name]
    for folder in ("domain", "stores", "features", "tests/features"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests" / "__init__.py", tmp_path / "tests")
    source = (tmp_path / where).read_text()
    assert not old or source.count(old) == 1, f"{where}: expected {old!r} once"
    (tmp_path / where).write_text(source.replace(old, new) if old else source)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_DISABLE_JIT": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "tests.features.law_check"], cwd=tmp_path, env=environment, capture_output=True,
        text=True, check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == (0 if name == "control" else 1), run.stdout + run.stderr
    assert not run.stderr, run.stderr
