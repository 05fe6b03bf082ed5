"""The risk register: a breach moves its risk and no other, a past look says the same, wrong registers are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.errors import DefinitionError
from domain.events import Event
from domain.time import DAY
from monitoring.indicator import Indicator, indicators
from monitoring.limits import LimitSettings
from monitoring.risks.assess import assess_risks
from monitoring.risks.settings import Effect, Register, RiskClass, RiskLevel, read_register
from stores.breaches import ACKNOWLEDGED, CLEARED, RAISED, WORSE, Breaches, Note, breach_id
from stores.database import Database
from stores.settings_files import load_settings
from tests.monitoring.planted import CONFIGS, UNTIL, home_with, said

ZONE = "Asia/Shanghai"
REGISTER = read_register(CONFIGS, indicators())
LIMITS = load_settings(CONFIGS / "limits.yaml", LimitSettings)


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[Breaches]:
    database = Database(tmp_path / "assay.db")
    yield Breaches(database)
    database.close()


def turn(store: Breaches, what: str, at: int, indicator: str = "reserve_shortfall", level: str = "warning",
         place: str = "", raised: int | None = None) -> None:  # fmt: skip
    key = breach_id(indicator, place, at if raised is None else raised)
    note = Note(key, f"limit-{indicator}", indicator, place, what, at, level, 0.5, False)
    with store.database.transaction():
        store.note_within(note)
        store.keep_within(indicator, at, [], at)


def risks(store: Breaches, until: int = UNTIL) -> dict[str, Any]:
    return {each.key: each for each in assess_risks(REGISTER, store, until, ZONE)}


def test_a_breach_changes_the_command_for_its_risk_and_no_other(tmp_path, capsys):
    home = home_with(tmp_path, [Event("inquiry", "q", UNTIL - DAY, UNTIL - DAY, {"borrower_id": "b"})])
    until = ("--until", "2026-05-01T00:00:00+08:00")
    code, calm = said(home, capsys, "risks", *until)
    assert code == 0
    database = Database(home / "assay.db")
    turn(Breaches(database), RAISED, UNTIL - DAY)
    database.close()
    code, moved = said(home, capsys, "risks", *until)
    assert code == 1
    before, after = ({each["key"]: each for each in told["risks"]} for told in (calm, moved))
    assert {key for key in before if before[key] != after[key]} == {"reserve"}
    assert (before["reserve"]["residual"], after["reserve"]["residual"]) == ("low", "high")
    assert after["reserve"]["history"][0]["limit"] == "limit-reserve_shortfall"
    # A look at the day before knows nothing of it.
    assert said(home, capsys, "risks", "--until", "2026-04-29T00:00:00+08:00")[1]["risks"] == calm["risks"]


@pytest.mark.parametrize(
    ("level", "likelihood", "effect"),
    [("attention", 4, Effect.ADEQUATE), ("warning", 4, Effect.WEAK), ("high", 5, Effect.NONE)],
)
def test_the_rule_of_the_register_moves_likelihood_and_control(store, level, likelihood, effect):
    turn(store, RAISED, UNTIL - DAY, level=level)
    found = risks(store)["reserve"]
    assert (found.likelihood_now, found.effect_now) == (likelihood, effect)
    assert found.residual_score == pytest.approx(likelihood * 5 * (1 - REGISTER.reduction[effect]))
    assert (found.likelihood, found.inherent_score, found.inherent) == (3, 15, RiskLevel.HIGH)


def test_a_breach_that_was_cleared_is_history(store):
    at = UNTIL - 40 * DAY
    turn(store, RAISED, at)
    turn(store, WORSE, at + DAY, level="high", raised=at)
    assert risks(store)["reserve"].residual is RiskLevel.HIGH
    turn(store, ACKNOWLEDGED, at + 2 * DAY, level="high", raised=at)
    turn(store, CLEARED, at + 3 * DAY, level="high", raised=at)
    found = risks(store)["reserve"]
    assert not found.moved
    assert (found.n_breaches, found.history[0].level, found.history[0].cleared_at) == (1, "high", at + 3 * DAY)
    assert risks(store, UNTIL + 400 * DAY)["reserve"].n_breaches == 0


def test_only_the_place_that_is_meant_moves_a_risk(store):
    register = REGISTER.model_copy(
        update={"risks": {"one": REGISTER.risks["concentration"].model_copy(
            update={"metrics": (REGISTER.risks["concentration"].metrics[0].model_copy(update={"where": "by=region"}),)}
        )}}
    )  # fmt: skip
    turn(store, RAISED, UNTIL - DAY, "book_concentration", place="by=product")
    assert not assess_risks(register, store, UNTIL, ZONE)[0].moved
    turn(store, RAISED, UNTIL - DAY, "book_concentration", place="by=region")
    assert assess_risks(register, store, UNTIL, ZONE)[0].moved


def test_what_the_watch_never_read_is_told(store):
    assert risks(store)["reserve"].unwatched == ("reserve_shortfall",)
    turn(store, RAISED, UNTIL - DAY)
    assert risks(store)["reserve"].unwatched == ()
    assert risks(store, UNTIL - 2 * DAY)["reserve"].unwatched == ("reserve_shortfall",)


def test_a_review_that_was_missed_is_told(store):
    assert not risks(store)["reserve"].overdue
    assert risks(store, UNTIL + 400 * DAY)["reserve"].overdue


def test_every_class_stands_in_the_register():
    assert {risk.kind for risk in REGISTER.risks.values()} == set(RiskClass)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda made: made["risks"]["reserve"].update(metrics=[{"indicator": "made_up"}]), "indicators out of"),
        (lambda made: made["risks"]["reserve"].update(metrics=[]), "at least 1"),
        (lambda made: made["risks"]["reserve"].update(likelihood=6), "likelihood"),
        (lambda made: made["levels"].update(low=20), "low < medium < high"),
        (lambda made: made["reduction"].update(weak=0.9), "strong"),
        (lambda made: made["when"].update(awful={"likelihood": 1}), "attention, warning, high"),
        (lambda made: made["risks"].pop("currency"), "none of market"),
        (lambda made: made["likelihood"].pop(), "steps 1 to 5"),
        (lambda made: made["risks"]["reserve"].update(review="soon"), "review"),
    ],
)
def test_a_wrong_register_is_refused_when_it_is_read(change, told, tmp_path):
    content = yaml.safe_load((CONFIGS / "risk_register.yaml").read_text(encoding="utf-8"))
    change(content)
    text = yaml.safe_dump(content, allow_unicode=True)
    (tmp_path / "risk_register.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "limits.yaml").write_bytes((CONFIGS / "limits.yaml").read_bytes())
    with pytest.raises(DefinitionError, match=told):
        read_register(tmp_path, indicators())


def test_a_metric_without_a_limit_or_of_the_restricted_class_is_refused():
    register = load_settings(CONFIGS / "risk_register.yaml", Register)
    fewer = {key: limit for key, limit in LIMITS.limits.items() if limit.indicator != "reserve_shortfall"}
    with pytest.raises(DefinitionError, match="an indicator with a limit"):
        register.refuse_unknown(indicators(), LIMITS.model_copy(update={"limits": fewer}))
    hidden = [
        Indicator(each.key, each.title, each.read, each.period, restricted=each.key == "reserve_shortfall")
        for each in indicators()
    ]
    with pytest.raises(DefinitionError, match="reserve_shortfall"):
        register.refuse_unknown(hidden, LIMITS)
