"""`assay review`: findings and verdicts at the prompt, and what `assay models` then says."""

from __future__ import annotations

import json

import pytest

from cli.main import main
from stores.home import Home
from training.tracking import Tracker


@pytest.fixture(scope="module")
def home(tmp_path_factory, empty_registry):
    """A home with one registered challenger, trained by lin; of its bundle only the hash matters here."""
    root = tmp_path_factory.mktemp("home")
    (root / "mlflow.db").write_bytes(empty_registry)
    tracker = Tracker.open(Home(root), {})
    with tracker.run("assay-fraud", "a run", {}) as run:
        tags = {"bundle": "c" * 64, "operator": "lin", "metric": "auc", "value": "0.8", "intake": "amber"}
        tracker.register("fraud", run, "bundle", tags)
    return root


@pytest.fixture
def assay(home, monkeypatch, capsys):
    """Run a command in that home, whatever the environment names; gives its exit code and what it printed."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def run(*arguments):
        capsys.readouterr()
        code = main(["--home", str(home), *arguments])
        return code, capsys.readouterr()

    return run


def test_a_review_from_the_first_finding_to_the_verdict(assay, home):
    code, said = assay("review", "fraud")
    assert code == 0
    assert "no verdict yet: assay review fraud@1 --verdict approve" in said.out
    assert not (home / "reviews.jsonl").exists()

    find = ["review", "fraud", "--finding", "labels leak", "--severity", "red", "--owner", "lin", "--due", "2027-01-31"]
    assert assay(*find, "--reviewer", "zhang")[0] == 0
    code, said = assay("review", "fraud@1", "--verdict", "approve", "--reviewer", "zhang")
    assert code == 4
    assert "expected no open red finding for an approval, got F1" in said.err
    assert assay("--actor", "lin", "review", "fraud", "--close", "F1", "--reason", "done")[0] == 4
    assert assay("--actor", "zhang", "review", "fraud", "--close", "F1", "--reason", "the column was dropped")[0] == 0
    code, said = assay("review", "fraud", "--verdict", "conditions", "--reviewer", "zhang")
    assert (code, "conditions exactly with" in said.err) == (2, True)
    rule = ["review", "fraud", "--verdict", "conditions", "--condition", "watch refunds", "--reviewer", "zhang"]
    code, said = assay(*rule, "--expires", "2999-01-01")
    assert (code, "expected an instant within 180d from now" in said.err) == (2, True)
    code, said = assay(*rule, "--expires", "30d", "--json")
    assert code == 0
    whole = json.loads(said.out)
    assert (whole["standing"], whole["verdict"]["conditions"]) == ("approve with conditions", ["watch refunds"])
    assert [(each["id"], each["status"]) for each in whole["findings"]] == [("F1", "closed")]
    assert len(whole["verdict"]["signature"]) == 64

    (listed,) = json.loads(assay("models", "--json")[1].out)
    assert (listed["review"], listed["intake"]) == ("approve with conditions", "amber")
    (published,) = (home / "mlartifacts").rglob("review.json")
    assert json.loads(published.read_text(encoding="utf-8"))["verdict"] == whole["verdict"]

    # A flipped byte is told, by reading and by writing.
    path = home / "reviews.jsonl"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"watch refunds", b"watch Refunds"))
    for arguments in (["review", "fraud"], find):
        code, said = assay(*arguments)
        assert (code, "expected a signature that verifies" in said.err) == (3, True)
    (listed,) = json.loads(assay("models", "--json")[1].out)
    assert listed["review"] == "does not verify"
    path.write_bytes(content)
    assert "watch refunds" in assay("review", "fraud@challenger")[1].out
