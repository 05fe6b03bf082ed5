"""docs/train-your-data.md is run to the letter: two files, a mapping and a config each, nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cli.main import main
from stores.home import Home
from tests.training.conftest import ROOT
from training.settings import TrainingSettings

PAGE = ROOT / "docs" / "train-your-data.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KINDS = ["python", "yaml", "sh", "text", "sh", "yaml", "sh", "text", "sh", "python", "text"]


def run_python(code: str, folder: Path) -> str:
    """In a process of its own, as a notebook's kernel is one."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def lines(text: str) -> list[str]:
    """Without the trailing blanks that fill a table's width."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


@pytest.mark.slow
def test_the_page_is_true(
    tmp_path: Path,
    make_home: Callable[[str], Home],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in [name for name in os.environ if name.startswith(("ASSAY_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    make_home(".assay")  # the one that `assay` takes by itself, with MLflow's tables made already
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert [kind for kind, _ in blocks] == KINDS
    printed, trained = "", []
    for kind, block in blocks:
        match kind:
            case "yaml":
                name = block.splitlines()[0].removeprefix("# ")
                (tmp_path / name).write_text(block, encoding="utf-8")
            case "sh":
                program, *words = block.split()
                assert program == "assay"
                capsys.readouterr()
                code = main(words)
                printed, told = capsys.readouterr()
                assert code == 0, printed[-4000:] + told[-4000:]
                if words[0] == "train":
                    trained.append(printed)
            case "python":
                printed = run_python(block, tmp_path)
            case _:
                assert lines(printed) == lines(block)
    for words in (("my-table", "stratified split", "auc"), ("my-payments", "forward split", "average_precision")):
        shown = trained.pop(0)
        assert all(word in shown for word in words)
        assert "version 1, challenger" in shown


def test_every_setting_of_the_page_is_one() -> None:
    cells = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(cells) == 7
    template = yaml.safe_load((ROOT / "configs" / "templates" / "events.yaml").read_text(encoding="utf-8"))
    for cell in cells:
        changes = yaml.safe_load(cell.replace("…", "a test"))
        if "reject_inference" in changes:
            changes |= {"product": "loan", "label_policy": "credit-2026-11", "features": {"product": "loan"}}
            changes |= {"card": None}
        if changes.get("split"):
            changes |= {"shares": {"test": 0.2, "calibration": 0.2}}
        read = TrainingSettings.model_validate({**template, **changes})
        assert all(getattr(read, name) is not None for name in yaml.safe_load(cell.replace("…", "a test")))
