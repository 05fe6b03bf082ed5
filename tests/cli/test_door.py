"""The one door out: every kind of error is a line that says what to do, and its documented exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.door import EXIT_CODES, through_the_door
from cli.main import COMMANDS, global_options_first, main
from domain.errors import DataError, DefinitionError, InputError, ModelError, Unavailable
from stores.database import Database

PROJECT = Path(__file__).parents[2]
ASSAY = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())"]


@pytest.fixture
def home(tmp_path):
    """A home with an empty journal and ledger."""
    Database(tmp_path / "home" / "assay.db").close()
    return tmp_path / "home"


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    """Such a home for commands that are refused, which leave it as it is."""
    home = tmp_path_factory.mktemp("refusing")
    Database(home / "assay.db").close()
    return home


@pytest.mark.parametrize(
    ("error", "code"),
    [(InputError, 2), (DefinitionError, 2), (DataError, 3), (ModelError, 4), (Unavailable, 5), (ZeroDivisionError, 70),
     (KeyboardInterrupt, 130)],
)  # fmt: skip
def test_each_error_has_its_code_and_no_traceback(error, code, capsys):
    def command():
        raise error("rows: expected five, got four")

    assert through_the_door(command, debug=False) == code
    assert code in EXIT_CODES
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    if error is not KeyboardInterrupt:
        assert "rows: expected five, got four" in said.err


def test_debug_shows_where():
    def command():
        raise DataError("rows")

    with pytest.raises(DataError):
        through_the_door(command, debug=True)


def test_a_fault_of_ours_hints_at_debug(capsys):
    def command():
        return 1 // 0

    through_the_door(command, debug=False)
    assert "--debug" in capsys.readouterr().err


CASES = {
    "no such command": (["nonsense"], 2, "No such command"),
    "no such option": (["journal", "--nonsense"], 2, "No such option"),
    "no command": ([], 2, ""),
    "wrong type": (
        ["features", "build", "fraud", "--threads", "many"],
        2,
        "'--threads': Input should be a valid integer",
    ),
    "out of range": (["features", "build", "fraud", "--threads", "0"], 2, "got `assay --home"),
    "no argument": (["features", "build"], 2, "Missing argument 'CONFIG'"),
    "wrong product": (["monitor", "cheques"], 2, "'cheques' is not one of 'payment', 'loan'"),
    "wrong time": (["monitor", "payment", "--since", "yesterday"], 2, "expected an ISO 8601 time"),
    "wrong duration": (["monitor", "payment", "--last", "soon"], 2, "expected a duration such as"),
    "both periods": (["monitor", "payment", "--last", "3d", "--since", "2026-01-01"], 2, "--last, or --since"),
    "unknown config name": (["features", "list", "cheques"], 2, "expected a settings file"),
    "missing config file": (["features", "list", "cheques.yaml"], 2, "expected a settings file, found none"),
    "missing configs folder": (
        ["--configs", "nowhere", "monitor", "payment"],
        2,
        "expected a settings file, found none",
    ),
    "unknown benchmark": (["benchmark", "iris", "--data", "x"], 2, "'iris' is not one of"),
    "learning curve of AMLSim": (
        ["benchmark", "amlsim", "--data", "x", "--learning-curve"],
        2,
        "taiwan or german alone",
    ),
    "benchmark without data": (["benchmark", "german", "--data", "nowhere"], 3, "name its folder with --data"),
    "unknown model": (["promote", "cheques", "--approver", "wang"], 4, "train one first"),
    "nothing to deploy": (["deploy", "fraud"], 4, "train one first"),
    "no approver": (["promote", "fraud"], 2, "--approver"),
    "nothing to review": (["review", "fraud"], 4, "train one first"),
    "two things at once": (["review", "fraud", "--verdict", "reject", "--close", "F1"], 2, "expected one of --finding"),
    "no such verdict": (["review", "fraud", "--verdict", "perhaps"], 2, "'perhaps' is not one of"),
    "rollback without a reason": (["rollback", "fraud", "--approver", "wang"], 2, "--reason"),
    "nothing to go back to": (
        ["rollback", "fraud", "--approver", "wang", "--reason", "a test"],
        4,
        "expected a previous champion to go back to",
    ),
    "nothing to reproduce": (["reproduce", "fraud@champion"], 4, "train one first"),
    "training without events": (["train", "fraud"], 3, "expected subjects to learn from, got no row"),
    "snapshot that is none": (["train", "fraud", "--snapshot", "nowhere"], 3, "nowhere"),
    "port out of range": (["serve", "--port", "70000"], 2, "'--port'"),
    "mapping that is none": (["import", "iris", "x.csv"], 2, "one of amlsim, german"),
    "unknown decision": (
        ["replay", "no-such-decision"],
        3,
        "expected a decision of the ledger, got 'no-such-decision'",
    ),
    "missing anchor": (["ledger", "verify", "--anchor", "nowhere.jsonl"], 3, "expected an anchor file"),
    "unknown client": (["keys", "revoke", "stranger"], 2, "expected a client with a key"),
    "wrong client": (["keys", "add", "Not Lower", "--role", "analyst"], 2, "expected a client name"),
    "wrong role": (["keys", "add", "shop", "--role", "emperor"], 2, "expected roles out of"),
    "no role": (["keys", "add", "shop"], 2, "--role"),
    "nothing deployed": (["monitor", "payment"], 4, "expected a deployed payment model"),
}


@pytest.mark.parametrize("name", CASES)
def test_wrong_input_is_refused_at_the_door(name, refusing, capsys):
    arguments, code, said = CASES[name]
    assert main(["--home", str(refusing), *arguments]) == code
    caught = capsys.readouterr()
    assert said in caught.err
    assert "Traceback" not in caught.err + caught.out


def test_an_anchor_lies_outside_the_home(refusing, capsys):
    assert main(["--home", str(refusing), "ledger", "anchor", str(refusing / "anchors.jsonl")]) == 2
    assert "expected a file outside the home" in capsys.readouterr().err
    assert not (refusing / "anchors.jsonl").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("base_currency: CNY\nzone: x\n", "zone"),
        ("base_currency: 7\n", "base_currency"),
        ("- a list\n", "expected a mapping of settings"),
        ("a: [unclosed\n", "expected YAML"),
    ],
)
def test_wrong_settings_name_the_file_and_the_field(text, said, tmp_path, home, capsys):
    (tmp_path / "platform.yaml").write_text(text, encoding="utf-8")
    assert main(["--home", str(home), "--configs", str(tmp_path), "monitor", "payment"]) == 2
    caught = capsys.readouterr().err
    assert said in caught
    assert "platform.yaml" in caught


@pytest.mark.parametrize("command", [["journal"], ["ledger", "verify"], ["replay", "x"]])
def test_a_home_without_a_journal_is_not_made_by_reading(command, tmp_path, capsys):
    assert main(["--home", str(tmp_path / "nowhere"), *command]) == 3
    assert "expected a home with a journal (assay.db), got 'no such folder'" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "command",
    [["models"], ["report", "fraud"], ["compare", "fraud"], ["validate", "fraud"], ["deploy", "fraud"],
     ["promote", "fraud", "--approver", "wang"], ["rollback", "fraud", "--approver", "wang", "--reason", "a test"],
     ["review", "fraud"], ["reproduce", "fraud@champion"], ["train", "fraud"], ["master-scale", "credit"],
     ["retrain", "--list"], ["retrain", "fraud", "--ask", "drift"]],
    ids=" ".join,
)  # fmt: skip
def test_a_home_without_models_is_not_made_by_asking_for_them(command, tmp_path, capsys):
    assert main(["--home", str(tmp_path / "nowhere"), *command]) == 3
    caught = capsys.readouterr().err
    assert "expected a home with" in caught
    assert "got 'no such folder'; fill it with" in caught
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "content", [b"this is no database, and it is long enough to be read as one" * 99, b"\0" * 8192]
)
def test_a_damaged_database_is_refused(content, tmp_path, capsys):
    (tmp_path / "assay.db").write_bytes(content)
    assert main(["--home", str(tmp_path), "journal"]) in (3, 5)
    assert str(tmp_path / "assay.db") in capsys.readouterr().err


def test_a_database_with_a_torn_page_is_refused(home, capsys):
    path = home / "assay.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + os.urandom(4096) + whole[8192:])
    assert main(["--home", str(home), "journal"]) in (3, 5)
    assert str(path) in capsys.readouterr().err


def test_global_options_may_stand_anywhere(home, capsys):
    assert main(["journal", "--home", str(home)]) == main([f"--home={home}", "journal"]) == 0
    assert global_options_first(["a", "--home", "h", "--", "--home", "x"]) == ["--home", "h", "a", "--", "--home", "x"]
    assert global_options_first(["a", "--actor"]) == ["--actor", "a"]


def test_help_says_what_there_is():
    done = subprocess.run([*ASSAY, "--help"], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert all(panel in done.stdout for panel in COMMANDS)


def test_help_loads_nothing_heavy():
    heavy = ["numpy", "pyarrow", "pandas", "lightgbm", "mlflow", "bentoml", "numba", "pydantic", "matplotlib", "apsw"]
    code = f"import sys; from cli.main import main; main(['--help']); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
