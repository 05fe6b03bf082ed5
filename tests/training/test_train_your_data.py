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

from stores.home import Home
from tests.training.conftest import ROOT
from training.settings import TrainingSettings

PAGE = ROOT / "docs" / "train-your-data.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KINDS = ["python", "yaml", "sh", "text", "sh", "yaml", "sh", "text", "sh", "python", "text"]


def run(arguments: list[str], folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "MLFLOW_"))}
    environment |= {"PYTHONPATH": str(ROOT), "COLUMNS": "120", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def lines(text: str) -> list[str]:
    """Without the trailing blanks that fill a table's width."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


@pytest.mark.slow
def test_the_page_is_true(tmp_path: Path, make_home: Callable[[str], Home]) -> None:
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
                printed = run(["-c", "import sys; from cli.main import main; sys.exit(main(sys.argv[1:]))", *words],
                              tmp_path)  # fmt: skip
                if words[0] == "train":
                    trained.append(printed)
            case "python":
                printed = run(["-c", block], tmp_path)
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
