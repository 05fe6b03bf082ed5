from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from domain.decision import Product
from domain.errors import DefinitionError, ModelError, Unavailable
from features.settings import FeatureSettings
from scoring import golden as golden_module
from scoring.bundle import load_bundle, write_bundle
from scoring.calibrator import Identity
from scoring.golden import check_in_child, main
from scoring.model import FILES
from scoring.scorer import WALK
from stores.bundles import MANIFEST, verify_files, write_manifest
from tests.scoring.bundles import CUTOFFS, book, changed, feature_set, parts, platform, requests

PRODUCTS = list(Product)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "payment"
    write_bundle(folder, parts(Product.PAYMENT))
    return folder


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "copy"))


def rewrite(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Alter a file and make the manifest agree: what only the golden rows or the parts themselves can tell."""
    about = dict(verify_files(folder).about)
    before = (folder / name).read_bytes()
    after = change(before)
    assert after != before
    (folder / name).write_bytes(after)
    write_manifest(folder, about)


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_bundle_loads_as_it_was_written(product: Product, tmp_path: Path) -> None:
    made = parts(product)
    digest = write_bundle(tmp_path / "bundle", made)
    assert {path.name for path in (tmp_path / "bundle").iterdir()} == {*FILES, MANIFEST}
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.hash == digest
    assert (bundle.name, bundle.product) == (made.name, product)
    assert bundle.scorer.engine is WALK
    assert bundle.encoder.names == made.feature_names == bundle.feature_set.names
    assert bundle.encoder.categories == dict(made.categories)
    assert bundle.feature_set.hash == made.feature_hash
    assert bundle.calibrator == made.calibration
    assert bundle.cutoffs == CUTOFFS
    assert bundle.reason_baseline.tobytes() == made.reason_baseline.tobytes()
    assert bundle.reason_book.concepts == book(product).concepts
    assert bundle.platform == platform()
    assert bundle.feature_settings == made.feature_settings
    assert bundle.reference().equals(made.reference)
    assert bundle.manifest.about["run"] == "r1"
    X = bundle.encoder.matrix(requests(product))
    assert bundle.scorer.raw_many(X).tobytes() == made.reference["raw_score"].to_numpy().tobytes()


def test_the_same_parts_give_the_same_hash(tmp_path: Path, written: Path) -> None:
    assert write_bundle(tmp_path / "again", parts(Product.PAYMENT)) == verify_files(written).hash


def test_no_file_of_a_bundle_is_a_pickle(written: Path) -> None:
    for path in written.iterdir():
        assert not path.read_bytes().startswith(b"\x80")
        assert path.suffix in (".txt", ".json", ".yaml", ".parquet")


# ------------------------------------------------------------------------------- tampering


def truncate(folder: Path) -> None:
    os.truncate(folder / "model.txt", (folder / "model.txt").stat().st_size // 2)


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / "model.txt").read_bytes())
    content[content.index(b"leaf_value=") + 14] ^= 1
    (folder / "model.txt").write_bytes(bytes(content))


def edit_manifest(folder: Path) -> None:
    content = json.loads((folder / MANIFEST).read_bytes())
    content["files"]["model.txt"] = "0" * 64
    (folder / MANIFEST).write_text(json.dumps(content))


def lose_a_file(folder: Path) -> None:
    (folder / "cutoffs.yaml").unlink()


def add_a_file(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(b"\x80\x05.")


def alter_golden(folder: Path) -> None:
    table = pq.read_table(folder / "golden.parquet")
    place = table.column_names.index("raw_score")
    pq.write_table(table.set_column(place, "raw_score", pa.array([0.0] * table.num_rows)), folder / "golden.parquet")


@pytest.mark.parametrize("tamper", [truncate, flip_a_bit, edit_manifest, lose_a_file, add_a_file, alter_golden])
@pytest.mark.parametrize("in_child", [True, False])
def test_tampering_is_refused_before_anything_is_parsed(
    copy: Path, tamper: Callable[[Path], None], in_child: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tamper(copy)
    monkeypatch.setattr(golden_module.subprocess, "run", pytest.fail)
    with pytest.raises(ModelError, match="deploy the model again"):
        load_bundle(copy, score_golden_in_child=in_child)


def test_a_rewritten_manifest_gives_another_hash_than_the_folder_is_named_by(copy: Path) -> None:
    named = copy.rename(copy.parent / verify_files(copy).hash)
    about = dict(verify_files(named).about)
    flip_a_bit(named)
    write_manifest(named, about)
    with pytest.raises(ModelError, match="manifest was altered"):
        load_bundle(named)


@pytest.mark.parametrize("in_child", [True, False])
def test_a_changed_leaf_under_a_new_manifest_fails_the_golden_rows(copy: Path, in_child: bool) -> None:
    rewrite(copy, "model.txt", lambda text: re.sub(rb"leaf_value=(-?)0", rb"leaf_value=\g<1>1", text))
    with pytest.raises(ModelError, match=r"golden\.parquet row \d+: expected raw score .* keep the old one"):
        load_bundle(copy, score_golden_in_child=in_child)


def test_a_model_that_takes_its_process_down_does_not_take_ours(copy: Path) -> None:
    rewrite(copy, "model.txt", lambda text: re.sub(rb"num_leaves=\d\d", b"num_leaves=99", text, count=1))
    with pytest.raises(ModelError, match=rf"ended with -{int(signal.SIGABRT)} .*keep the old model"):
        load_bundle(copy)


def test_golden_rows_that_take_too_long_say_nothing_of_the_bundle(written: Path) -> None:
    with pytest.raises(Unavailable, match=r"within 0\.001 s, got none; keep the old model and try again"):
        check_in_child(written, seconds=0.001)


def test_the_childs_refusal_is_told_as_it_was_said(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lose_a_file(copy)
    assert main([str(copy)]) == 3
    assert "missing ['cutoffs.yaml']" in capsys.readouterr().err
    with pytest.raises(ModelError, match=r"^.*copy: expected exactly the 7 files"):
        check_in_child(copy)


def test_the_child_agrees_with_a_good_bundle(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(written)]) == 0
    assert capsys.readouterr().out == "20 golden rows agree\n"


def _edit_settings(**changes: object) -> Callable[[bytes], bytes]:
    return lambda text: yaml.safe_dump({**yaml.safe_load(text), **changes}, sort_keys=False).encode()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("settings.yaml", _edit_settings(feature_hash="0" * 64), "a definition has changed since"),
        ("settings.yaml", _edit_settings(product="lease"), "expected the product"),
        ("settings.yaml", _edit_settings(names=["amount"]), "expected the product|expected the features"),
        ("settings.yaml", _edit_settings(features={"product": "payment", "views": ["x"]}), "this code can compute"),
        ("settings.yaml", _edit_settings(platform={}), "settings of this version"),
        ("settings.yaml", _edit_settings(more=1), "expected name, product"),
        ("settings.yaml", lambda text: b"a: [", "values that can be read"),
        ("cutoffs.yaml", lambda text: text.replace(b"0.4", b"0.1"), "attention < warning < high"),
        ("cutoffs.yaml", lambda text: text.replace(b"0.6", b".nan"), "attention < warning < high"),
        ("cutoffs.yaml", lambda text: text.replace(b"0.6", b"'0.6'"), "attention < warning < high"),
        ("cutoffs.yaml", lambda text: b"[1, 2]", "attention, warning, high"),
        ("calibration.json", lambda text: text.replace(b"0.9", b"-0.9"), "slope above 0"),
        ("calibration.json", lambda text: text.replace(b"0.9", b"0.8"), "golden.parquet row 0"),
        ("reasons.json", lambda text: text.replace(b'"P01"', b'"P1"'), "expected a reason book"),
        ("reasons.json", lambda text: text.replace(b'"floor": 0.05', b'"floor": 9.0'), "golden.parquet row"),
        ("reasons.json", lambda text: text.replace(b'"baseline"', b'"base"'), "expected book, baseline"),
        ("reasons.json", lambda text: b"\xff", "UTF-8"),
        ("golden.parquet", lambda content: b"PAR1", "expected a Parquet table"),
        ("model.txt", lambda text: text[: len(text) // 3], "cut off"),
        ("model.txt", lambda text: text.replace(b"names=amount", b"names=amuont"), "expected the features"),
    ],
)  # fmt: skip
def test_parts_that_do_not_belong_together_are_refused(
    copy: Path, name: str, change: Callable[[bytes], bytes], message: str
) -> None:
    rewrite(copy, name, change)
    with pytest.raises(ModelError, match=message):
        load_bundle(copy, score_golden_in_child=False)


def test_golden_rows_must_be_there(copy: Path) -> None:
    table = pq.read_table(copy / "golden.parquet")
    about = dict(verify_files(copy).about)
    for wrong in (table.slice(0, 0), table.drop_columns(["score"]), table.select(table.column_names[::-1])):
        pq.write_table(wrong, copy / "golden.parquet")
        write_manifest(copy, about)
        with pytest.raises(ModelError, match="expected golden rows of the model's features"):
            load_bundle(copy, score_golden_in_child=False)


@pytest.mark.parametrize("column", ["raw_score", "score"])
def test_golden_rows_are_held_to_the_last_bit(copy: Path, column: str) -> None:
    table = pq.read_table(copy / "golden.parquet")
    about = dict(verify_files(copy).about)
    values = table[column].to_numpy().copy()
    values[7] = np.nextafter(values[7], np.inf)
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(values)), copy / "golden.parquet")
    write_manifest(copy, about)
    with pytest.raises(ModelError, match=r"golden\.parquet row 7: expected"):
        load_bundle(copy, score_golden_in_child=False)


# --------------------------------------------------------------------------------- writing


def test_wrong_parts_are_not_written(tmp_path: Path) -> None:
    made = parts(Product.PAYMENT)
    wrong = [
        {"feature_hash": "0" * 64},
        {"feature_names": made.feature_names[::-1]},
        {"categories": {}},
        {"calibration": Identity()},
        {"cutoffs": {"attention": 0.5, "warning": 0.4, "high": 0.6}},
        {"cutoffs": {"attention": 0.5}},
        {"reason_baseline": made.reason_baseline[:-1]},
        {"reason_baseline": made.reason_baseline * np.nan},
        {"golden": made.golden.slice(0, 0)},
        {"reference": made.reference.drop_columns(["event_time"])},
        {"model_text": parts(Product.LOAN).model_text},
        {"feature_settings": FeatureSettings(product="payment", views=[], own=["amount"])},
    ]
    for number, changes in enumerate(wrong):
        folder = tmp_path / str(number)
        with pytest.raises(ModelError):
            write_bundle(folder, changed(Product.PAYMENT, **changes))
        assert not folder.exists()


def test_a_book_that_leaves_a_feature_out_is_not_written(tmp_path: Path) -> None:
    whole = book(Product.PAYMENT)
    bare = whole.model_copy(update={"concepts": tuple(c for c in whole.concepts if c.code not in ("P07", "P09"))})
    bare = bare.model_copy(
        update={"concepts": tuple(c.model_copy(update={"groups": ()}) if c.code == "P99" else c for c in bare.concepts)}
    )
    with pytest.raises(DefinitionError, match="mcc of group payment is covered by none; hour_of_day of group timing"):
        write_bundle(tmp_path / "b", changed(Product.PAYMENT, reason_book=bare))


def test_a_folder_with_files_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "keep").write_text("mine")
    with pytest.raises(ModelError, match="new or empty folder"):
        write_bundle(tmp_path, parts(Product.PAYMENT))
    assert (tmp_path / "keep").read_text() == "mine"


def test_awkward_categories_survive(tmp_path: Path) -> None:
    made = parts(Product.PAYMENT)
    awkward = ("no", "1e3", "2026-01-01", "null", "~", "- a", "a: b", "'", '"', "餐饮", "=", " x ")
    categories = {**made.categories, "mcc": awkward}
    write_bundle(tmp_path / "b", changed(Product.PAYMENT, categories=categories))
    assert load_bundle(tmp_path / "b", score_golden_in_child=False).encoder.categories["mcc"] == awkward


def test_the_shipped_feature_sets_are_ours() -> None:
    for product in PRODUCTS:
        assert feature_set(product).names == parts(product).feature_names
