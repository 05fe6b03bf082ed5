"""The whole loop through real parts: SQLite, MLflow, a BentoML process, HTTP; small, but nothing is left out."""

import json
import os
import signal
from pathlib import Path

import httpx
import pytest

from cli.demo import MARKER, only_one, run, scale_of, start_clean, stopped_politely
from cli.loop import MODELS, Loop, Scale
from cli.loop_tables import draw, samples
from cli.main import main
from cli.session import Session
from data.simulator.settings import SimulationSettings
from domain.decision import Product
from domain.errors import InputError, Unavailable

CONFIGS = Path(__file__).parents[2] / "configs"
STAGES = ["simulate", "journal", "features", *(f"train {name}" for name in MODELS), "review", "promote", "deploy",
          "serve", "score", "outcomes", "rehearse", "watch", "monitor", "oversight", "verify"]  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A loop that has run to its end, and what its stages made."""
    root = tmp_path_factory.mktemp("demo") / "home"
    overrides = root.parent / "tiny.yaml"
    overrides.write_text(
        "search: {trials: 1, rounds: 30, patience: 10}\nresamples: 50\nreport: light\n", encoding="utf-8"
    )
    world = SimulationSettings(seed=7, payment_days=150, n_customers=200, n_borrowers=700, fraud_intensity=3.0)
    with Loop(Session(root, CONFIGS, "tester"), Scale(world, 60, 6, overrides)) as loop:
        start_clean(root)
        rows = run(loop, quiet=True)
    return loop, rows


@pytest.mark.slow
def test_every_stage_is_done_and_says_what_it_made(done):
    _, rows = done
    assert [name for name, _, _ in rows] == STAGES
    assert all(made.what and seconds >= 0 for _, made, seconds in rows)
    assert "60 payments, 6 applications over HTTP" in {name: made.what for name, made, _ in rows}["score"]


def test_decisions_have_reasons_in_both_languages_unless_they_approve(done):
    loop, _ = done
    assert [a.product for a in loop.answers].count(Product.PAYMENT) == 60
    for answer in loop.answers:
        decision = answer.decision
        assert decision["degraded"] is False
        if decision["action"] == "decline":
            assert decision["reasons"] or decision["rule_reasons"]
        for reason in decision["reasons"]:
            assert reason["en"].isascii()
            assert not reason["zh"].isascii()


def test_the_service_is_gone(done):
    _, rows = done
    (url,) = [made.what.split()[2].rstrip(",") for name, made, _ in rows if name == "serve"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/readyz", trust_env=False)


def test_commands_go_on_with_what_the_loop_made(done, capsys):
    loop, _ = done
    home = ["--home", str(loop.session.root)]

    def said(*arguments, code=0):
        capsys.readouterr()
        assert main([*home, *arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    versions = said("models")
    assert {(v["name"], v["serving"], v["operator"], v["approver"], v["review"]) for v in versions} == {
        (name, True, "demo-trainer", "demo-approver", "approve with conditions") for name in MODELS
    }
    shown = said("review", "fraud@champion")
    assert (shown["verdict"]["reviewer"], shown["trained_by"]) == ("demo-reviewer", "demo-trainer")
    with loop.session.database() as database:
        decided = dict(database.execute("SELECT product, count(*) FROM decision GROUP BY product"))
    # 60 payments and 6 applications were asked over HTTP; the rest of the month was rehearsed.
    assert decided["payment"] > 60
    assert decided["loan"] > 6
    verified = said("ledger", "verify")
    assert (verified["ok"], verified["n_decisions"]) == (True, sum(decided.values()))
    decision_id = loop.answers[0].decision["decision_id"]
    (replayed,) = said("replay", decision_id)
    assert replayed["same"] is True
    assert json.loads(replayed["expected"])["decision_id"] == decision_id
    report = said("monitor", "loan")
    assert (report["n_decisions"], report["worst"]) == (decided["loan"], "not assessed")


def test_an_edited_decision_is_found(done, capsys):
    """Last but one on this home: it is damaged, and mended again."""
    loop, _ = done
    home = ["--home", str(loop.session.root)]
    decision_id = loop.answers[0].decision["decision_id"]
    with loop.session.database() as database:
        (body,) = database.one("SELECT body FROM decision WHERE decision_id = ?", (decision_id,))
        database.execute("UPDATE decision SET body = ? WHERE decision_id = ?", (body + b" ", decision_id))
    assert main([*home, "ledger", "verify"]) == 1
    assert main([*home, "replay", decision_id]) == 1
    assert "different" in capsys.readouterr().out
    with loop.session.database() as database:
        database.execute("UPDATE decision SET body = ? WHERE decision_id = ?", (body, decision_id))
    assert main([*home, "ledger", "verify"]) == 0


def test_a_challenger_goes_round_by_hand(done, capsys):
    """Train, refuse one person alone, promote by another, deploy: the commands, one by one."""
    loop, _ = done
    home = ["--home", str(loop.session.root)]
    overrides = str(loop.scale.overrides)
    assert main([*home, "--actor", "lin", "train", "credit", "--with", overrides]) == 0
    said = capsys.readouterr()
    assert "credit version 2, challenger, bundle" in said.out
    assert "auc" in said.out
    assert said.err == ""
    assert main([*home, "promote", "credit", "--approver", "lin"]) == 4
    refused = capsys.readouterr().err
    assert "expected somebody other than the trainer, got 'lin'" in refused
    assert "expected a reviewer's verdict, got none" in refused
    assert main([*home, "--actor", "lin", "review", "credit", "--verdict", "approve"]) == 4
    assert "expected a reviewer other than the trainer, got 'lin'" in capsys.readouterr().err
    assert main([*home, "review", "credit", "--verdict", "approve", "--expires", "30d", "--reviewer", "zhang"]) == 0
    capsys.readouterr()
    assert main([*home, "promote", "credit", "--approver", "wang", "--force", "a test of the loop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["approver"] == "wang"
    assert main([*home, "promote", "credit", "--approver", "wang", "--version", "champion"]) == 4
    assert "is the champion already" in capsys.readouterr().err
    assert main([*home, "deploy", "credit"]) == 0
    assert "loan is served by credit version 2" in capsys.readouterr().out


@pytest.mark.slow
def test_the_former_champion_comes_back_and_is_made_again(done, capsys):
    """After the round by hand: rolled back, deployed, and trained again to the same bytes."""
    loop, _ = done
    home = ["--home", str(loop.session.root)]
    assert main([*home, "rollback", "credit", "--approver", "wang", "--reason", "a test of the loop"]) == 0
    assert "credit version 1 is champion again, version 2 is withdrawn" in capsys.readouterr().out
    assert main([*home, "deploy", "credit"]) == 0
    assert "loan is served by credit version 1" in capsys.readouterr().out
    assert main([*home, "reproduce", "credit@champion", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["identical"] is True
    assert main([*home, "reproduce", "credit", "1", "--threads", "1"]) == 1
    assert "different; its trees are identical" in capsys.readouterr().out


def test_the_picture_is_small_and_loads_nothing(done, tmp_path):
    loop, rows = done
    draw(tmp_path / "demo.svg", rows, samples(loop.answers))
    drawn = (tmp_path / "demo.svg").read_text(encoding="utf-8")
    assert len(drawn) < 300_000
    assert "url(http" not in drawn
    assert "the&#160;whole&#160;loop" in drawn


def test_a_second_run_starts_clean_and_touches_nothing_else(tmp_path):
    root = tmp_path / "demo"
    start_clean(root)
    (root / "old").write_text("from the first run", encoding="utf-8")
    start_clean(root)
    assert [path.name for path in root.iterdir()] == [MARKER]
    (root / MARKER).unlink()
    (root / "precious").write_text("somebody's own", encoding="utf-8")
    with pytest.raises(InputError, match="expected a folder that a demo made"):
        start_clean(root)
    assert (root / "precious").exists()


def test_two_demos_do_not_share_a_place(tmp_path):
    with only_one(tmp_path), pytest.raises(Unavailable, match="another demo is running"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_what_was_started_is_stopped_when_a_stage_fails(tmp_path):
    scale = scale_of(Session(tmp_path, CONFIGS, "tester"), quick=True, seed=1)
    stopped = []

    def interrupted():
        with stopped_politely(), Loop(Session(tmp_path, CONFIGS, "tester"), scale) as loop:
            loop._running.callback(stopped.append, "service")
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stopped == ["service"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
