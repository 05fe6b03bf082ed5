"""Lists of other institutions come in as tokens, and what is wrong is named without naming anybody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.errors import DefinitionError, InputError
from scoring.list_files import as_csv, as_rows, entries_of, merge, read_rows, without_ended
from scoring.lists import ListEntry, Lists, ListSettings
from tests.scoring.test_lists import END, entry

SECRET = "4000123412341234"
SHARED = {"owner": "desk", "reason": "exchange", "expires_at": END, "source": "Bank of Jiangnan", "list": "watch"}


def tokens(column: str, identifiers: Sequence[str]) -> dict[str, str]:
    """Stands where the vault's `tokens` does: 22 characters for each, by column and identifier."""
    return {each: f"{column[:4]}{abs(hash(each)) % 10**18:018d}" for each in identifiers}


def made(rows: list[dict[str, str]], **shared: str) -> tuple[ListEntry, ...]:
    return entries_of(rows, {**SHARED, **shared}, tokens, "shared.csv")


def test_identifiers_become_tokens_and_rows_go_before_what_they_share(tmp_path: Path) -> None:
    path = tmp_path / "shared.csv"
    path.write_text(f"list,namespace,identifier,owner,reason\nblock,card,{SECRET},,stolen\n,merchant,m9,risk,\n")
    card, merchant = made(read_rows(path))
    assert (card.list.value, card.namespace, card.owner, card.reason) == ("block", "card", "desk", "stolen")
    assert card.value == tokens("card_id", [SECRET])[SECRET] != SECRET
    assert (merchant.list.value, merchant.value, merchant.owner, merchant.reason) == ("watch", "m9", "risk", "exchange")
    assert {card.source, merchant.source} == {"Bank of Jiangnan"}
    assert SECRET not in str(as_rows([card, merchant]))


def test_json_says_the_same(tmp_path: Path) -> None:
    rows = [{"namespace": "card", "identifier": SECRET}, {"namespace": "merchant", "identifier": "m9", "source": None}]
    (tmp_path / "shared.json").write_text(json.dumps(rows))
    (tmp_path / "shared.csv").write_text(f"namespace,identifier\ncard,{SECRET}\nmerchant,m9\n")
    assert made(read_rows(tmp_path / "shared.json")) == made(read_rows(tmp_path / "shared.csv"))


def test_an_export_comes_back_as_it_was(tmp_path: Path) -> None:
    entries = made([{"namespace": "card", "identifier": SECRET, "reason": '被盗, "case 7"'}])
    (tmp_path / "lists.csv").write_text(as_csv(entries))
    (tmp_path / "lists.json").write_text(json.dumps(as_rows(entries)))
    for name in ("lists.csv", "lists.json"):
        assert entries_of(read_rows(tmp_path / name), {}, tokens, name) == entries


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"namespace": "card"}, "row 1: expected one of identifier and token, got neither"),
        ({"namespace": "card", "identifier": SECRET, "token": "t"}, "expected one of identifier and token"),
        ({"namespace": "card", "token": SECRET}, "row 1: expected a token of 22 characters, got another text"),
        ({"namespace": "passport", "identifier": SECRET}, "a namespace out of account, bin"),
        ({"namespace": "card", "identifier": SECRET, "list": "grey"}, "row 1: .*list"),
        ({"namespace": "card", "identifier": SECRET, "expires_at": "soon"}, "expires_at"),
        ({"namespace": "merchant", "identifier": "m" * 200}, "value"),
    ],
)
def test_a_wrong_row_is_named_without_its_identifier(row: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        made([row])
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "namespace,pan\ncard,4000\n", r"columns out of .*, got \['pan'\]"),
        ("a.csv", "namespace,identifier\n", "expected entries, got none"),
        ("a.csv", "namespace,identifier\ncard,1,2\n", "as many values as columns"),
        ("a.json", "{", "expected JSON"),
        ("a.json", '{"a": 1}', "a list of entries"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_rows(tmp_path / name)
    with pytest.raises(InputError, match="expected a CSV or JSON file"):
        read_rows(tmp_path / "absent.csv")
    (tmp_path / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_rows(tmp_path / name)


def settings(*entries: dict[str, Any]) -> ListSettings:
    return ListSettings.model_validate({"version": "1", "entries": list(entries)})


def test_entries_are_added_renewed_and_removed() -> None:
    current = settings(entry(value="a"), entry(value="b"), entry(list="watch", value="a"))
    later = ListEntry.model_validate(entry(value="b", reason="again"))
    fresh = ListEntry.model_validate(entry(value="c"))
    merged = merge(current, "2", add=[later, fresh], remove=[("watch", "card", "a")])
    assert (merged.added, merged.renewed, merged.removed) == (1, 1, 1)
    assert [(e.list.value, e.value, e.reason) for e in merged.settings.entries] == [
        ("block", "a", "stolen"), ("block", "b", "again"), ("block", "c", "stolen"),
    ]  # fmt: skip
    assert merged.summary == "1 added, 1 renewed, 1 removed, 3 in all"
    with pytest.raises(InputError, match="an entry of card on the allow list to remove"):
        merge(current, "2", remove=[("allow", "card", "a")])


def test_what_has_ended_is_left_behind() -> None:
    whole = settings(entry(value="a", expires_at=10), entry(value="b", expires_at=11))
    assert [each.value for each in without_ended(whole, 10).entries] == ["b"]


def test_a_file_with_identifiers_of_people_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lists.yaml"
    path.write_text(yaml.safe_dump({"version": "1", "entries": [entry(namespace="merchant"), entry(value=SECRET)]}))
    with pytest.raises(DefinitionError, match=r"lists\.yaml: expected tokens of 22 .* for entry 2") as caught:
        Lists.load(path)
    assert SECRET not in str(caught.value)
