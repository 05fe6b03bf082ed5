"""The compiled cache: named by its sources, warm when they are the same, done without when it cannot be kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from features.compiled import usable
from features.kernel.loading import _SIGNATURES, SOURCES, load_kernel, source_hash

ROOT = Path(__file__).parents[2]

# A fresh interpreter: in this one the kernel is loaded already.
_ASK = """
import sys
from pathlib import Path
import numpy as np
from features.kernel.loading import _SIGNATURES, load_kernel
kernel = load_kernel(Path(sys.argv[1]))
order = kernel.group(np.array([1, 0, -1, 1], dtype=np.int64), 2)
print(kernel.folder, kernel.from_cache, order.tolist())
"""


def ask(folder: Path) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", _ASK, str(folder)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    return run.stdout.split(maxsplit=2)


def test_the_folder_is_named_by_the_sources(tmp_path: Path) -> None:
    copy = tmp_path / "kernel"
    shutil.copytree(SOURCES, copy)
    assert source_hash(copy) == source_hash()
    # A change in a file that only other files import.
    law = copy / "law.py"
    law.write_text(law.read_text().replace("< time", "<= time"))
    assert source_hash(copy) != source_hash()
    kernel = load_kernel()
    assert kernel.folder is None or kernel.folder.name == f"kernel-{source_hash()}"
    assert load_kernel(tmp_path) is kernel


@pytest.mark.slow
def test_cold_warm_and_damaged(tmp_path: Path) -> None:
    folder, cached, order = ask(tmp_path)
    assert (folder, cached, order.strip()) == (str(tmp_path / f"kernel-{source_hash()}"), "False", "[2, 1, 0, 3]")
    assert ask(tmp_path)[:2] == [folder, "True"]
    files = list(Path(folder).rglob("*.nbc"))
    assert len(files) == len(_SIGNATURES)
    # The one that is compiled fastest.
    damaged = next(path for path in files if path.name.startswith("entries.group"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert ask(tmp_path)[1:] == ["False", "[2, 1, 0, 3]\n"]
    assert ask(tmp_path)[:2] == [folder, "True"]


def test_a_folder_that_takes_no_files_is_passed_over(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert usable([blocked / "kernel"]) is None
    assert usable([blocked / "kernel", tmp_path / "other"]) == tmp_path / "other"
    assert list((tmp_path / "other").iterdir()) == []
    filled = tmp_path / "filled" / "kernel_1"
    filled.mkdir(parents=True)
    (filled / "entries.group-1.py311.nbi").touch()
    assert usable([blocked, filled.parent, tmp_path / "other"]) == filled.parent
