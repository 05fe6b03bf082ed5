"""The shipped examples hold, and an example that does not is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.decision import Product
from domain.errors import DefinitionError
from scoring.policy import POLICY_FILES
from scoring.policy_examples import Tried, try_examples
from scoring.policy_settings import PolicySettings
from stores.settings_files import load_settings
from tests.scoring.bundles import CONFIGS, book, platform

PAYMENT = Product.PAYMENT


def tried(product: Product, examples: Path | None = None, policy: Path | None = None) -> list[Tried]:
    name = POLICY_FILES[product]
    return try_examples(
        policy or CONFIGS / "policy" / name,
        examples or CONFIGS / "policy" / "examples" / name,
        book(product),
        platform(),
    )


@pytest.mark.parametrize("product", list(Product))
def test_the_shipped_examples_hold_and_cover_every_rule(product: Product) -> None:
    found = tried(product)
    assert not [each for each in found if each.faults]
    policy = load_settings(CONFIGS / "policy" / POLICY_FILES[product], PolicySettings)
    assert {code for each in found for code in each.rules} == {rule.code for rule in policy.rules.values()}
    assert {each.action for each in found} == {action.value for action in policy.actions.values()} | (
        {"review"} if product is PAYMENT else set()
    )


def written(path: Path, **changes: Any) -> Path:
    example: dict[str, Any] = {
        "name": "one", "event": {"customer_id": "c1", "amount": 100, "currency": "CNY"}, "probability": 0.1,
        "expect": {"action": "step_up"},
    }  # fmt: skip
    content = {
        "product": "payment", "cutoffs": {"attention": 0.05, "warning": 0.2, "high": 0.5},
        "examples": [{**example, **changes}],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"expect": {"action": "approve"}}, "action: expected approve, got step_up"),
        ({"expect": {"action": "step_up", "risk_grade": "high"}}, "risk_grade: expected high, got attention"),
        ({"expect": {"action": "step_up", "rules": ["R05"]}}, "rules: expected R05, got none"),
        ({"expect": {"action": "step_up", "step_up_hint": "mfa"}}, "step_up_hint: expected mfa, got otp"),
    ],
)
def test_what_differs_is_told(tmp_path: Path, changes: dict[str, Any], fault: str) -> None:
    assert not tried(PAYMENT, written(tmp_path / "good.yaml"))[0].faults
    (found,) = tried(PAYMENT, written(tmp_path / "examples.yaml", **changes))
    assert found.faults == (fault,)


def test_a_change_of_the_policy_shows(tmp_path: Path) -> None:
    content = yaml.safe_load((CONFIGS / "policy" / "payments.yaml").read_text())
    content["rules"]["amount_cap"]["above"] = "900000.00 CNY"
    (tmp_path / "new.yaml").write_text(yaml.safe_dump(content))
    differs = [each.name for each in tried(PAYMENT, policy=tmp_path / "new.yaml") if each.faults]
    assert differs == ["an allowed merchant does not outrun a rule", "a foreign amount is capped in the base currency"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": {"card_count_9d": 1}}, "features that the policy reads"),
        ({"event": {"amount": -1.5, "currency": "CNY"}}, "one: transaction.amount"),
        ({"event": {"amount": 1, "currency": "XXX"}}, "a currency out of CNY"),
        ({"event": {"amount": 1, "currency": "CNY", "hat": 1}}, "a column of transaction"),
        ({"listed": {"block": "merchant_id"}}, "an entity column of the event, got 'merchant_id'"),
        ({"probability": 2}, "less than or equal to 1"),
        ({"expect": {"action": "explode"}}, "approve"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_example_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        tried(PAYMENT, written(tmp_path / "examples.yaml", **changes))


def test_examples_of_the_other_product_are_refused() -> None:
    with pytest.raises(DefinitionError, match="examples for payment"):
        tried(PAYMENT, CONFIGS / "policy" / "examples" / "loans.yaml")
