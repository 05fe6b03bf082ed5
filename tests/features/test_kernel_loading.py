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
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

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
        [sys.executable, "-c", _ASK, str(folder)], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True,
        check=True, timeout=600,
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


SMALL = """
import numba
@numba.njit
def double(n): return 2 * n
@numba.njit
def triple(n): return 3 * n
"""

_COMPILE = """
import sys
from pathlib import Path
from numba import int64
sys.path.insert(0, sys.argv[1])
import small
from features.compiled import compile_doors
made = compile_doors(small, [("double", (int64,)), ("triple", (int64,))], "small-1", [Path(sys.argv[2])])
print(made.folder, made.from_cache, made.functions["double"](2), made.functions["triple"](2))
"""


def test_cold_then_warm(tmp_path: Path) -> None:
    """Of two small functions: compiling the kernel takes 20 s, and whoever runs these tests first has done it."""
    (tmp_path / "small.py").write_text(SMALL)

    def told() -> list[str]:
        asked = [sys.executable, "-c", _COMPILE, str(tmp_path), str(tmp_path / "cache")]
        run = subprocess.run(asked, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True, timeout=600)
        return run.stdout.split()

    folder = tmp_path / "cache" / "small-1"
    assert told() == [str(folder), "False", "4", "6"]
    assert len(list(folder.rglob("*.nbc"))) == 2
    assert told() == [str(folder), "True", "4", "6"]


def test_warm_and_damaged(tmp_path: Path) -> None:
    kept = load_kernel().folder
    if kept is None:
        pytest.skip("needs a folder that takes the compiled kernel: beside the sources, or ~/.cache")
    assert kept.name == f"kernel-{source_hash()}"
    shutil.copytree(kept, tmp_path / kept.name)
    folder = str(tmp_path / kept.name)
    assert ask(tmp_path) == [folder, "True", "[2, 1, 0, 3]\n"]
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
