"""What customers were seen to pass decides what a step-up asks for: told over HTTP, shown by `assay explain`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import count, product

import pytest
import yaml

from domain.decision import Product
from domain.events import AUTH_METHODS
from domain.time import MINUTE, format_instant
from tests.serving import world
from tests.serving.doors import Doors
from tests.shared import RunAssay

NUMBERS = count()
BIOMETRIC = ("fingerprint", "face", "iris", "voice")


@pytest.fixture(name="doors", scope="module")
def _doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """A service that steps up whatever the model scores."""
    folder = tmp_path_factory.mktemp("authentication")
    shutil.copytree(world.CONFIGS, folder / "configs")
    path = folder / "configs" / "policy" / "payments.yaml"
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    cutoffs = {"attention": 1e-9, "warning": 0.99999, "high": 0.999999}
    path.write_text(yaml.safe_dump({**told, "cutoffs": cutoffs}, allow_unicode=True), encoding="utf-8")
    doors = Doors(folder, products=(Product.PAYMENT,))
    yield doors
    doors.close()


def authenticated(doors: Doors, customer: str, method: str, result: str, *, minutes: int) -> None:
    at = format_instant(world.START - minutes * MINUTE)
    body = {"kind": "authentication", "event_id": f"{customer}-{method}-{minutes}", "event_time": at,
            "customer_id": customer, "method": method, "result": result, "purpose": "login"}  # fmt: skip
    assert doors.send("POST", "/v1/events", body).status_code == 200


def pays(doors: Doors, customer: str, method: str) -> dict[str, object]:
    (request,) = world.payment_stream(1, 5, world.START)
    body = {**request, "event_id": f"pay-{next(NUMBERS)}", "event_time": format_instant(world.START - MINUTE),
            "customer_id": customer, "amount": 9_900, "currency": "CNY", "auth_method": method}  # fmt: skip
    answer = doors.pay(body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_step_up_asks_for_what_was_passed_and_never_for_what_was_just_used(doors: Doors, run_assay: RunAssay) -> None:
    for number, method in enumerate(BIOMETRIC):
        authenticated(doors, f"has-{method}", method, "passed", minutes=60 + number)
        authenticated(doors, f"failed-{method}", method, "failed", minutes=60 + number)
    authenticated(doors, "has-mfa", "mfa", "passed", minutes=70)
    people = ["has-mfa", "new", *(f"{how}-{method}" for how, method in product(("has", "failed"), BIOMETRIC))]
    answers = {who: pays(doors, who, "otp") for who in people}
    assert {answer["action"] for answer in answers.values()} == {"step_up"}
    asked = {who: answer["step_up_hint"] for who, answer in answers.items()}
    assert {asked[f"has-{method}"] for method in BIOMETRIC} == {"biometric"}
    assert asked["has-mfa"] == "mfa"
    # Who only failed has nothing on file, as little as somebody who was never seen.
    assert {asked[f"failed-{method}"] for method in BIOMETRIC} == {asked["new"]}
    for method in AUTH_METHODS:
        hint = pays(doors, "has-face", method)["step_up_hint"]
        assert hint not in (method, "biometric" if method in BIOMETRIC else "")

    for who in ("has-face", "failed-face"):
        where = ["--home", str(doors.home.root), "--configs", str(doors.configs)]
        code, out, err = run_assay(*where, "explain", str(answers[who]["decision_id"]), "--features", "1", "--json")
        assert code == 0, err
        found = json.loads(out)
        assert found["decision"]["step_up_hint"] == asked[who]
        values = {f["name"]: f["value"] for concept in found["waterfall"]["concepts"] for f in concept["features"]}
        assert values["customer_passed_biometric_count_90d"] == (1.0 if who == "has-face" else 0.0)


def test_three_failed_tries_step_up_and_two_do_not_speak(doors: Doors, run_assay: RunAssay) -> None:
    for customer, n in (("three", 3), ("two", 2)):
        for number in range(n):
            authenticated(doors, customer, "otp", "failed", minutes=10 + number)
    codes = {}
    for customer in ("three", "two"):
        where = ["--home", str(doors.home.root), "--configs", str(doors.configs)]
        answer = pays(doors, customer, "password")
        code, out, err = run_assay(*where, "explain", str(answer["decision_id"]), "--json")
        assert code == 0, err
        codes[customer] = {each["code"] for each in json.loads(out)["decision"]["rule_reasons"]}
    assert codes["three"] - codes["two"] == {"R08"}


def test_features_of_authentication_are_listed(run_assay: RunAssay) -> None:
    code, out, _ = run_assay("features", "list", "fraud", "--json")
    assert code == 0
    names = {each["name"] for each in json.loads(out)["features"]}
    assert {"customer_passed_biometric_count_90d", "customer_authentication_failed_count_1h"} <= names
