"""`assay explain` and `assay notice` over a home that the real runtime has written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from domain.restricted import restricted_texts
from scoring.bundle import load_bundle
from serving.books import Books
from stores.home import Home
from tests.serving import world
from tests.serving.decided import decided_home
from tests.shared import RunAssay

CREDITOR = {
    "name_zh": "测试金融", "name_en": "Test Finance", "address_zh": "测试路", "address_en": "Test Road",
    "source": "a test",
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return decided_home(tmp_path_factory.mktemp("explained"))


@pytest.fixture
def run(home: Home, run_assay: RunAssay) -> RunAssay:
    def command(*arguments: str, configs: Path = world.CONFIGS, root: Path | None = None) -> tuple[int, str, str]:
        return run_assay("--home", str(root or home.root), "--configs", str(configs), *arguments)

    return command


def decided(home: Home, product: str) -> dict[str, list[dict[str, Any]]]:
    """Action → decisions, with the vector and the model they were made with."""
    books = Books.open(home, {}, 10.0)
    try:
        found: dict[str, list[dict[str, Any]]] = {}
        for row in books.ledger.read(product).to_pylist():
            found.setdefault(row["action"], []).append(row)
        return found
    finally:
        books.close()


def test_the_pushes_are_those_of_the_bundle_and_add_up(home: Home, run: RunAssay) -> None:
    rows = [row for rows in decided(home, "payment").values() for row in rows if row["raw_score"] is not None][::20]
    for row in rows:
        code, out, _ = run("explain", row["decision_id"], "--json", "--features", "1")
        found = json.loads(out)
        assert code == 0
        assert found["decision"] == json.loads(row["body"])
        assert found["receipt"]["link_holds"]
        assert found["receipt"]["replays"]
        bundle = load_bundle(home.bundles / row["model"], score_golden_in_child=False)
        expected = bundle.explainer.contributions(np.frombuffer(row["vector"], "<f8"))
        fall = found["waterfall"]
        features = {each["name"]: each for concept in fall["concepts"] for each in concept["features"]}
        assert set(features) == set(bundle.encoder.names)
        for place, name in enumerate(bundle.encoder.names):
            assert features[name]["contribution"] == expected[place]
            assert features[name]["push"] == expected[place] - bundle.reason_baseline[place]
        assert fall["raw"] == row["raw_score"]
        pushes = sum(each["push"] for each in fall["concepts"])
        assert fall["reference"] + pushes == pytest.approx(row["raw_score"], abs=1e-9)
        given = {each["code"] for each in fall["concepts"] if each["given"]}
        assert given == {each["code"] for each in found["decision"]["reasons"]}
        assert len(found["traces"]) == 1
        assert found["recourse"] is None


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_person_can_read_it(home: Home, run: RunAssay, lang: str) -> None:
    row = decided(home, "payment")["decline"][0]
    body = json.loads(row["body"])
    code, out, _ = run("explain", row["decision_id"], "--lang", lang, "--features", "3")
    assert code == 0
    said = " ".join(out.split())
    for part in {"zh": ("回执", "按位完全一致", "拒绝", "高风险"), "en": ("Receipt", "bit for bit", "decline", "high")}[
        lang
    ]:
        assert part in said
    assert all(str(version) in said for version in body["versions"].values())
    assert all(each["code"] in said for each in body["reasons"])
    assert restricted_texts([out]) == []


@pytest.mark.parametrize(("lang", "product", "action"), [("zh", "loan", "refer"), ("en", "payment", "decline")])
def test_the_page_holds_it_too(home: Home, run: RunAssay, tmp_path: Path, lang: str, product: str, action: str) -> None:
    pytest.importorskip("scoring.pages.render", reason="the renderer of pages")
    row = decided(home, product)[action][0]
    page = tmp_path / "explained.html"
    assert run("explain", row["decision_id"], "--lang", lang, "--html", str(page), "--features", "2")[0] == 0
    html = page.read_text(encoding="utf-8")
    assert row["decision_id"] in html
    assert "<script" not in html
    assert "<svg" in html
    body = json.loads(row["body"])
    assert all(each[lang] in html for each in (*body["reasons"], *body["rule_reasons"]))


def test_a_referred_application_by_a_rule_keeps_the_two_kinds_of_reasons_apart(home: Home, run: RunAssay) -> None:
    row = decided(home, "loan")["refer"][0]
    code, out, _ = run("explain", row["decision_id"], "--json", "--features", "0")
    found = json.loads(out)
    assert code == 0
    assert [each["code"] for each in found["rules"]] == [each["code"] for each in found["decision"]["rule_reasons"]]
    assert found["rules"]
    assert found["rules"][0]["analyst_zh"] != found["rules"][0]["zh"]
    assert found["traces"] == []
    assert found["recourse"] == []
    assert found["approved_below"] in found["cuts"]


def test_a_decision_without_a_score_says_that_there_is_none(home: Home, run: RunAssay) -> None:
    row = next(row for row in decided(home, "payment")["approve"] if row["raw_score"] is None)
    code, out, _ = run("explain", row["decision_id"], "--lang", "en")
    assert code == 0
    assert "No model was used" in out
    assert "features dropped" in out


def test_an_altered_record_is_a_finding(home: Home, run: RunAssay, tmp_path: Path) -> None:
    shutil.copytree(home.root, tmp_path / "altered")
    row = decided(home, "payment")["decline"][0]
    books = Books.open(Home(tmp_path / "altered"), {}, 10.0)
    try:
        with books.database.transaction():
            changed = row["body"].replace(b'"decline"', b'"approve"')
            books.database.execute("UPDATE decision SET body = ? WHERE decision_id = ?", (changed, row["decision_id"]))
    finally:
        books.close()
    code, out, _ = run("explain", row["decision_id"], "--lang", "en", root=tmp_path / "altered")
    assert code == 1
    assert "BROKEN" in out
    assert "DIFFERENT from the record" in out


def test_what_is_not_in_the_ledger_cannot_be_explained(run: RunAssay) -> None:
    for command in ("explain", "notice"):
        code, _, said = run(command, "nobody")
        assert code == 3
        assert "expected a decision of the ledger" in said


# ------------------------------------------------------------------------------------- the notice


def with_creditor(folder: Path) -> Path:
    shutil.copytree(world.CONFIGS, folder / "configs")
    settings = {"creditor": CREDITOR, "review": {"phone": "400-1", "source": "a test"}}
    (folder / "configs" / "notice.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return folder / "configs"


def test_a_notice_is_printed_or_written(home: Home, run: RunAssay, tmp_path: Path) -> None:
    configs = with_creditor(tmp_path)
    row = decided(home, "loan")["refer"][0]
    code, out, _ = run("notice", row["decision_id"], configs=configs)
    assert code == 0
    assert "测试金融" in out
    reasons = json.loads(row["body"])["rule_reasons"]
    assert reasons[0]["zh"] in out
    page = tmp_path / "out" / "notice.html"
    assert run("notice", row["decision_id"], "--lang", "en", "--out", str(page), configs=configs)[0] == 0
    html = page.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert reasons[0]["en"] in html
    text = tmp_path / "notice.txt"
    assert run("notice", row["decision_id"], "--out", str(text), configs=configs)[0] == 0
    assert text.read_text(encoding="utf-8").strip() == out.strip()


def test_a_notice_that_nobody_is_owed_is_refused(home: Home, run: RunAssay, tmp_path: Path) -> None:
    configs = with_creditor(tmp_path)
    payment = decided(home, "payment")["decline"][0]["decision_id"]
    approved = decided(home, "loan")["approve"][0]["decision_id"]
    for decision, told in ((payment, "on a loan application"), (approved, "declined or referred")):
        code, out, said = run("notice", decision, configs=configs)
        assert (code, out) == (2, "")
        assert told in said
    code, _, said = run("notice", decided(home, "loan")["refer"][0]["decision_id"])
    assert code == 2
    assert "got no creditor" in said
