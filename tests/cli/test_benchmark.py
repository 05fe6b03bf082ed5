"""`assay benchmark` prints our figures beside the published ones and writes them as JSON."""

import json
from pathlib import Path

import pytest
import yaml

from cli.main import main

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.slow
@pytest.mark.shared_data
def test_a_shortened_protocol_prints_its_table(shared_data, tmp_path, capsys):
    protocol = yaml.safe_load((CONFIGS / "benchmarks" / "german.yaml").read_text(encoding="utf-8"))
    short = {"folds": 2, "inner_folds": 2, "search": {"trials": 1, "rounds": 20, "patience": 5}, "resamples": 50}
    (tmp_path / "short.yaml").write_text(yaml.safe_dump({**protocol, **short}), encoding="utf-8")
    config, written = tmp_path / "short.yaml", tmp_path / "out" / "german.json"
    arguments = ["--data", str(shared_data / "german"), "--config", str(config), "--json", str(written)]
    assert main(["--home", str(tmp_path / "home"), "benchmark", "german", *arguments]) == 0
    said = capsys.readouterr()
    assert f"made by: assay benchmark german --data {shared_data / 'german'} --config {config}" in said.out
    lines = json.loads(written.read_text(encoding="utf-8"))["lines"]
    ours = [line for line in lines if line["source"] == "measured here"]
    assert ours
    for line in ours:
        assert line["n"] == 1000
        assert line["cells"]["AUC"]["low"] < line["cells"]["AUC"]["value"] < line["cells"]["AUC"]["high"]
        assert line["model"] in said.out
