"""Every rule as `assay policy test` tries it: alone in a policy, on its own example and on the near one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.decision import Product
from scoring.policy import POLICY_FILES
from scoring.rules import RULES, Example, Rule
from tests.scoring.bundles import CONFIGS
from tests.shared import RunAssay

ORDINARY = ("an ordinary payment", "an affordable loan of a good risk")


def told(name: str, example: Example, probability: float, rules: list[str]) -> dict[str, Any]:
    """An example as its owners write it down."""
    # Lists name an entity; no rule of this test looks at the place itself.
    body = {name: value for name, value in example.facts.event.body.items() if value is not None}
    event = {**body, "amount": max(1, example.facts.amount_base), "currency": "CNY"}
    if example.facts.listed:
        event["terminal_id"] = "listed"
    return {
        "name": name, "event": event, "probability": probability, "features": dict(example.features),
        "listed": {each.value: "terminal_id" for each in example.facts.listed},
        "expect": {"action": "approve", "rules": rules},
    }  # fmt: skip


def tried(run: RunAssay, folder: Path, product: Product, rule: Rule, examples: list[dict[str, Any]]) -> dict[str, Any]:
    shipped = yaml.safe_load((CONFIGS / "policy" / POLICY_FILES[product]).read_text(encoding="utf-8"))
    policy = {**shipped, "rules": {rule.name: rule.model_dump(mode="json")}}
    asked = {
        "product": product.value,
        "cutoffs": {"attention": 0.05, "warning": 0.2, "high": 0.5},
        "examples": examples,
    }
    paths = []
    for name, content in (("policy", policy), ("examples", asked)):
        paths.append(folder / f"{name}.yaml")
        paths[-1].write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    code, out, err = run("policy", "test", str(paths[0]), "--examples", str(paths[1]), "--json")
    assert code in (0, 1), err
    return {each["name"]: each for each in json.loads(out)}


@pytest.mark.parametrize("name", RULES)
def test_it_speaks_on_its_example_and_not_on_the_near_one(name: str, run_assay: RunAssay, tmp_path: Path) -> None:
    rule, hit, near = RULES[name].examples()
    products = {"transaction": Product.PAYMENT, "application": Product.LOAN}
    said = rule.hit()
    # A ceiling is seen where the model alone would decline, a floor where it would approve.
    probability, silent = (0.001, "approve") if said.ceiling is None else (0.7, "decline")
    found = {}
    for which, example, codes in (("hit", hit, [rule.code]), ("near", near, [])):
        asked = [told(which, example, probability, codes)]
        found |= tried(run_assay, tmp_path, products[example.facts.event.kind], rule, asked)
    assert (found["hit"]["rules"], found["near"]["rules"]) == ([rule.code], [])
    assert found["near"]["action"] == silent
    assert found["hit"]["action"] == (said.floor or said.ceiling)
    assert found["hit"]["action"] != silent


def test_every_shipped_rule_speaks_in_a_shipped_example_and_none_in_an_ordinary_one(
    run_assay: RunAssay,
) -> None:
    code, out, _ = run_assay("policy", "test", "--json")
    assert code == 0
    for product, file in POLICY_FILES.items():
        mine = [each for each in json.loads(out) if each["policy"].endswith(file)]
        shipped = yaml.safe_load((CONFIGS / "policy" / file).read_text(encoding="utf-8"))["rules"]
        assert {code for each in mine for code in each["rules"]} == {RULES[name].code for name in shipped}, product
        (ordinary,) = [each for each in mine if each["name"] in ORDINARY]
        assert (ordinary["rules"], ordinary["action"]) == ([], "approve")
