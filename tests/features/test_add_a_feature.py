"""docs/add-a-feature.md is run to the letter in a copy of the project: one line added, nothing else edited."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.caching import _CacheLocator

from features.kernel.loading import load_kernel

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "add-a-feature.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PARTS = (
    "domain",
    "stores",
    "data",
    "features",
    "scoring",
    "training",
    "serving",
    "monitoring",
    "cli",
    "configs",
    "tests",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the page needs of the project."""
    for name in PARTS:
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    _keep_compiled(tmp_path)
    (tmp_path / "docs").mkdir()
    for name in ("pyproject.toml", "features.lock", "docs/features.md"):
        shutil.copy(PROJECT / name, tmp_path / name)
    return tmp_path


def _keep_compiled(root: Path) -> None:
    """Take the compiled kernel along: its sources are the same, and Numba names a cache by where they lie as well."""
    kept = load_kernel().folder
    if kept is None:
        return
    name = _CacheLocator.get_suitable_cache_subpath(str(root / "features" / "kernel" / "entries.py"))
    for folder in kept.iterdir():
        shutil.copytree(folder, root / "features" / "kernel" / "__pycache__" / kept.name / name, dirs_exist_ok=True)


def apply(block: str, root: Path) -> Path:
    """Add the one line of the block below its line of context."""
    head, context, added = block.splitlines()
    path = root / head.removeprefix("--- ")
    assert context.startswith(" ")
    assert added.startswith("+")
    text = path.read_text(encoding="utf-8")
    assert text.count(f"\n{context[1:]}\n") == 1, f"{path.name} has no such line: {context}"
    changed = text.replace(f"\n{context[1:]}\n", f"\n{context[1:]}\n{added[1:]}\n")
    assert len(changed.splitlines()) == len(text.splitlines()) + 1
    path.write_text(changed, encoding="utf-8")
    return path


def run(arguments: list[str], root: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
    done = subprocess.run(
        arguments, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def shell(line: str, root: Path) -> str:
    """One line of a shell block with this environment's Python; ``assay`` is the copy's own."""
    program, *rest = re.findall(r'"[^"]*"|\S+', line)
    rest = [word.strip('"') for word in rest]
    if program == "grep":
        lines = (root / rest[1]).read_text(encoding="utf-8").splitlines(keepends=True)
        return "".join(each for each in lines if rest[0] in each)
    assay = ["-c", "import sys; from cli.main import main; sys.exit(main(sys.argv[1:]))"]
    return run([sys.executable, *({"assay": assay, "python": []}[program]), *rest], root)


@pytest.mark.slow
def test_the_page_is_true(copy: Path) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert [kind for kind, _ in blocks] == ["diff", "sh", "text", "sh", "text", "python", "text", "sh"]
    printed = ""
    edited = []
    for kind, block in blocks:
        match kind:
            case "diff":
                edited.append(apply(block, copy))
            case "sh":
                printed = "".join(shell(line, copy) for line in block.splitlines())
            case "python":
                printed = run([sys.executable, "-c", block], copy)
            case _:
                assert printed == block
    assert "passed" in printed
    assert [path.relative_to(copy).as_posix() for path in edited] == ["features/definitions/payment/card.py"]


def test_a_page_that_lies_is_caught(copy: Path) -> None:
    with pytest.raises(AssertionError, match="has no such line"):
        apply("--- features/definitions/payment/card.py\n     no such line\n+    Count()", copy)
