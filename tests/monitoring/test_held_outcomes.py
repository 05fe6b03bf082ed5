"""What the intake of labels holds back says nothing to any comparison either, until a person has released it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import main
from domain.events import Event
from domain.time import DAY, HOUR, format_instant
from stores.home import Home
from stores.journal import Journal
from tests.monitoring.test_canary_trial import planted
from tests.monitoring.test_challenger import noisy, shadowed
from tests.monitoring.test_what_if import N_DAYS, two_weeks
from tests.monitoring.world import CANARY_MODEL, CONFIGS, START, Scale, make_world
from tests.scoring.desk import AT, KEY

Assay = Callable[..., Any]

SCALE = Scale(days=30, per_day=100, customers=450)
UNTIL = START + SCALE.days * DAY
MATURE = "10d"
COMPARE = ("challenger", "compare", "payment")


@pytest.fixture(scope="module", name="config")
def _config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped training config, with labels that mature within the worlds of these tests."""
    told = yaml.safe_load((CONFIGS / "fraud.yaml").read_text(encoding="utf-8"))
    path = tmp_path_factory.mktemp("config") / "early.yaml"
    path.write_text(
        yaml.safe_dump({**told, "maturity": {"after": MATURE, "source": "a test"}}, allow_unicode=True), "utf-8"
    )
    return path


def assay_of(home: Home, capsys: pytest.CaptureFixture[str], *more: str) -> Assay:
    def run(*arguments: str, ok: tuple[int, ...] = (0,)) -> Any:
        capsys.readouterr()
        code = main(["--home", str(home.root), "--actor", "lin", *arguments, *more, "--json"])
        said = capsys.readouterr()
        assert code in ok, said.err
        return json.loads(said.out)

    return run


def rumours(journal: Journal, subjects: list[tuple[str, int]]) -> None:
    """Somebody who is no source says that payments are frauds."""
    journal.append(
        [
            Event("outcome", f"rumour-{name}", at + HOUR, at + HOUR,
                  {"subject_event_id": name, "subject_kind": "transaction", "subject_time": at,
                   "code": "confirmed_fraud", "source": "a friend"}, "shop")
            for name, at in subjects
        ]
    )  # fmt: skip


def test_a_comparison_counts_an_outcome_once_it_is_released(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of shadow and champion, of canary and champion, and of what a bundle decided."""
    monkeypatch.setenv("ASSAY_CHAIN_KEY", "00" * 32)
    world = make_world(tmp_path, scale=SCALE, plant=planted(1.2))
    shadowed(world, world.home.shadow, noisy).close()
    period = ["--since", format_instant(START), "--until", format_instant(UNTIL)]
    assay = assay_of(world.home, capsys)
    commands = {
        "shadow": (*COMPARE, *period, "--as-of", format_instant(UNTIL), "--config", str(config)),
        "canary": (*COMPARE, "--canary", *period, "--as-of", format_instant(UNTIL), "--config", str(config)),
        "impact": ("impact", CANARY_MODEL, *period),
    }
    before = {name: assay(*command) for name, command in commands.items()}
    early = world.frame[~world.frame["fraud"] & (world.frame["event_time"] < START + 15 * DAY)].iloc[::5]
    rumours(world.journal, list(zip(early["event_id"], early["event_time"].astype(int), strict=True)))

    held = {name: assay(*command) for name, command in commands.items()}
    for name in ("shadow", "canary"):
        assert held[name].pop("labels_held") == before[name].pop("labels_held") + len(early)
        assert held[name] == before[name]
    impact = held["impact"]["impact"][0]
    assert impact.pop("labels_held") == before["impact"]["impact"][0].pop("labels_held") + len(early)
    assert impact == before["impact"]["impact"][0]

    told = ("--source", "a friend", "--by", "wang", "--reason", "they were right, says the issuer")
    assay("labels", "payment", "--rule", "release", *told, ok=(0, 1))
    after = {name: assay(*command) for name, command in commands.items()}
    assert after["shadow"]["figures"]["champion_auc"]["value"] < held["shadow"]["figures"]["champion_auc"]["value"]
    rates = [told["canary"]["figures"]["champion_fraud_rate"]["value"] for told in (held, after)]
    assert rates[1] > rates[0] + 0.1
    assert after["impact"]["impact"][0]["labels"]["positive"] > impact["labels"]["positive"]


def test_a_what_if_counts_an_outcome_once_it_is_released(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_CHAIN_KEY", KEY.hex())
    desk = two_weeks(tmp_path)
    since = AT - AT % DAY
    monkeypatch.setattr("domain.time.system_clock", lambda: since + 3 * N_DAYS * DAY)
    period = ["--since", format_instant(since), "--until", format_instant(since + 3 * N_DAYS * DAY)]
    assay = assay_of(Home(tmp_path), capsys)
    policy = str(CONFIGS / "policy" / "payments.yaml")
    what_if = ("policy", "what-if", policy, *period, "--config", str(config))
    before = assay(*what_if)
    decided = desk.journal.read("transaction", columns=["event_id", "event_time"]).to_pylist()
    rumours(desk.journal, [(row["event_id"], row["event_time"]) for row in decided[::4]])
    held = assay(*what_if)
    assert (before.pop("labels_held"), held.pop("labels_held")) == (0, len(decided[::4]))
    assert held == before
    told = ("--source", "a friend", "--by", "wang", "--reason", "they were right, says the issuer")
    assay("labels", "payment", "--rule", "release", *told)
    after = assay(*what_if)
    assert after["labels"]["positive"] > held["labels"]["positive"]
    assert after["figures"]["old_value_caught"]["value"] > held["figures"]["old_value_caught"]["value"]
