"""What many tests share: commands that are run, and what takes long to make, made once a run by all its workers."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

RunAssay = Callable[..., tuple[int, str, str]]
"""Arguments of a command → its exit code, what it printed, and what it said on stderr (`run_assay` of conftest)."""


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder ``name`` of this run, filled by ``make``; whoever asks first makes it.

    What is in it belongs to everybody: read it, or add what nobody else looks at. What a failure left half made is
    removed by the next one who asks.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # of all workers
    folder, done = base / name, base / f"{name}.done"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            done.touch()
    return folder
