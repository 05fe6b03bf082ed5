"""Every notebook runs from its first cell to its last."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

PROJECT = Path(__file__).parents[1]
MUST_SAY = {
    "01_events_and_features": r"^(\d+) of \1 numbers equal, [1-9]\d* of them not missing",
    "02_train_fraud": r"^the same figure again: True",
    "03_train_credit": r"^protected attributes among the features: \[\]",
    "04_explain_and_choose_thresholds": r"adds up to the score: True\nequal to pred_contrib: True",
    "05_a_month_in_production": r"^a case closed, a challenger trained, .*, a decision computed again: True",
    "06_trace_a_number": r"^(\d+) of \1 numbers proven from their events\none bit off: False",
}
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
# What Jupyter's own machinery warns of while it starts and ends a kernel.
JUPYTER = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
pytestmark = [pytest.mark.slow, *JUPYTER]


def test_there_are_notebooks():
    assert [path.name for path in NOTEBOOKS][:1] == ["01_events_and_features.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]))
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    before = sorted(item.name for item in path.parent.iterdir())
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    said = [output["text"] for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output]
    check = MUST_SAY.get(path.stem)
    assert check is None or any(re.search(check, text) for text in said), said
    assert sorted(item.name for item in path.parent.iterdir()) == before


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_cells_only_call_the_packages(path):
    """A function or class in a notebook is code that no test covers: it belongs in a package."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert not any(line.startswith(("def ", "class ")) for line in cell.source.splitlines()), cell.source
            assert len(cell.source.splitlines()) <= 25
