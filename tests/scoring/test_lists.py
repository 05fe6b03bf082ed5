from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.errors import DefinitionError, ModelError
from domain.events import KINDS, Event
from domain.time import parse_instant
from scoring.lists import ENTITY_NAMESPACES, ListName, Lists, ListSettings
from tests.scoring.bundles import CONFIGS, payment

END = "2027-01-01T00:00:00Z"


def entry(**changes: Any) -> dict[str, Any]:
    return {"list": "block", "namespace": "card", "value": "t1", "owner": "desk", "reason": "stolen", "expires_at": END,
            **changes}  # fmt: skip


def lists(*entries: dict[str, Any]) -> Lists:
    return Lists(ListSettings.model_validate({"version": "1", "entries": list(entries)}))


def test_an_entity_is_found_under_each_of_its_columns() -> None:
    found = lists(entry(namespace="account", value="a1"), entry(list="watch", namespace="person", value="p1"))
    assert found.hits(payment(account_id="a1"), at=0) == {ListName.BLOCK}
    assert found.hits(payment(payee_id="a1"), at=0) == {ListName.BLOCK}
    assert found.hits(payment(account_id="a1", customer_id="p1"), at=0) == {ListName.BLOCK, ListName.WATCH}
    assert found.hits(Event("application", "a", 0, 0, {"borrower_id": "p1"}), at=0) == {ListName.WATCH}


def test_the_same_value_in_another_namespace_is_somebody_else() -> None:
    found = lists(entry(namespace="card", value="x"), entry(namespace="merchant", value="m"))
    assert found.hits(payment(merchant_id="x", card_id="m", channel="x", mcc="m"), at=0) == set()
    assert found.hits(payment(merchant_id="m"), at=0) == {ListName.BLOCK}


def test_an_entry_ends_at_its_hour_to_the_microsecond() -> None:
    found, end = lists(entry()), parse_instant(END)
    assert found.hits(payment(card_id="t1"), at=end - 1) == {ListName.BLOCK}
    assert found.hits(payment(card_id="t1"), at=end) == set()


def test_content_reads_back_to_the_same_hash() -> None:
    found = lists(entry(), entry(list="allow", namespace="merchant", value="m1", reason="核实"))
    again = Lists.from_content(found.content)
    assert (again.hash, again.content, again.settings) == (found.hash, found.content, found.settings)
    assert lists(entry()).hash != found.hash
    # Cited bytes stay as they were, however a later version would write them.
    spaced = json.dumps(json.loads(found.content), indent=2).encode()
    assert Lists.from_content(spaced).hash == hashlib.sha256(spaced).hexdigest()
    with pytest.raises(ModelError, match="content a decision cites"):
        Lists.from_content(b"{}")
    with pytest.raises(ModelError, match="content a decision cites"):
        Lists.from_content(b"{")


def test_every_entity_key_has_a_namespace() -> None:
    assert set(ENTITY_NAMESPACES.values()) == {
        "person", "card", "account", "device", "ip", "loan", "merchant", "terminal", "bin"
    }  # fmt: skip
    personal = {column.name for columns in KINDS.values() for column in columns.values() if column.personal}
    assert personal <= set(ENTITY_NAMESPACES)
    assert not {"links_to", "subject_event_id", "application_id"} & set(ENTITY_NAMESPACES)


def test_the_shipped_lists_are_empty() -> None:
    assert Lists.load(CONFIGS / "policy" / "lists.yaml").settings.entries == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"namespace": "merchant_id"}, "a namespace out of account, bin"),
        ({"list": "grey"}, "block"),
        ({"expires_at": "soon"}, "ISO 8601"),
        ({"expires_at": "2027-01-01"}, "time zone"),
        ({"owner": ""}, "owner"),
        ({"value": "x" * 200}, "value"),
        ({"more": 1}, "more"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    (tmp_path / "lists.yaml").write_text(yaml.safe_dump({"version": "1", "entries": [entry(**changes)]}))
    with pytest.raises(DefinitionError, match=rf"lists\.yaml: 1 setting.*(?s:.*){message}"):
        Lists.load(tmp_path / "lists.yaml")


def test_an_entity_twice_on_a_list_is_refused() -> None:
    with pytest.raises(ValueError, match="each entity once on a list"):
        lists(entry(), entry(reason="again"))
    assert lists(entry(), entry(list="allow")).hits(payment(card_id="t1"), at=0) == {ListName.BLOCK, ListName.ALLOW}
