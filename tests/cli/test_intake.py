"""`assay intake` from the shell: what is read, what is printed, what it returns."""

import json

import numpy as np
import pytest

from cli.main import main
from tests.training.intake.world import GROUP, TARGET, TIME, clean, events_only, leaked_score
from training.intake import Grade

ROWS = clean(1, 1_500).drop(columns="settled_at")


@pytest.fixture
def table(tmp_path):
    def write(frame, name="loans.csv"):
        frame.to_csv(tmp_path / name, index=False)
        return str(tmp_path / name)

    return write


def run(capsys, *arguments):
    code = main(["intake", *arguments])
    return code, capsys.readouterr()


def test_a_clean_file_is_green(table, capsys):
    code, shown = run(capsys, table(ROWS), "--target", TARGET, "--time", TIME, "--group", GROUP)
    assert code == 0
    assert "1,500 rows" in shown.out
    assert "green: nothing to object to" in shown.out
    assert shown.err == ""


def test_a_red_finding_is_named_explained_and_returned(table, capsys, tmp_path):
    rng = np.random.default_rng(1)
    path = table(leaked_score(events_only(ROWS, rng), rng))
    picture = tmp_path / "intake.svg"
    code, shown = run(capsys, path, "--target", TARGET, "--time", TIME, "--group", GROUP, "--plot", str(picture))
    assert code == 1
    assert shown.out.index("final_score: ") < shown.out.index("green ")
    assert "next: Find out when it is written." in shown.out
    assert "limit 0.9: the project's design" in shown.out
    assert "final_score" in picture.read_text()
    code, shown = run(capsys, path, "--target", TARGET, "--time", TIME, "--json")
    report = json.loads(shown.out)
    assert (code, report["worst"]) == (1, "red")
    reds = {(each["check"], *each["columns"]) for each in report["findings"] if each["grade"] == Grade.RED}
    assert reds == {("leaked_column", "final_score"), ("late_column", "agency_step")}


def test_limits_of_the_configs_are_kept_to(table, capsys, tmp_path):
    configs = tmp_path / "configs"
    configs.mkdir()
    (configs / "intake.yaml").write_text(
        "# strict\nleaked_auc: {value: 0.55, source: a test}\nstrong_auc: {value: 0.5, source: a test}\n"
    )
    code, shown = run(capsys, table(ROWS), "--target", TARGET, "--time", TIME, "--configs", str(configs))
    assert code == 1
    assert "limit 0.55: a test" in shown.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected --target COLUMN, or --config"),
        (["--target", "nothing"], "expected columns of the table"),
        (["--target", "channel"], "name the event's value with --positive"),
    ],
)
def test_what_is_missing_is_said(arguments, message, table, capsys):
    code, shown = run(capsys, table(ROWS), *arguments)
    assert code == 2
    assert message in shown.err
