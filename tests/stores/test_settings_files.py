"""YAML as people read it, and errors that name the file, the field, what was expected and what came."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pytest
import yaml
from pydantic import Field

from domain.errors import DefinitionError
from domain.settings import Settings
from domain.time import DAY, Duration
from stores import settings_files
from stores.settings_files import load_settings, read_yaml

ROOT = Path(__file__).parents[2]


class Windows(Settings):
    train: Duration
    folds: int
    names: dict[str, str] = {}


def file_of(folder: Path, text: str) -> Path:
    path = folder / "windows.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_settings_read(tmp_path: Path) -> None:
    windows = load_settings(file_of(tmp_path, "train: 90d\nfolds: 4\nnames: {zh: 欺诈}\n"), Windows)
    assert windows == Windows(train=90 * DAY, folds=4, names={"zh": "欺诈"})


def test_scalars_are_what_they_look_like(tmp_path: Path) -> None:
    text = """
    text: [yes, NO, on, off, 12:30, 010, 0x1F, 2018-01-01, 2000-01-01T00:00:00Z, 1.2.3, 1x, "7", trueish, 1e]
    whole: [0, -5, 1_000, +7]
    number: [1.5, 1e-3, .5, 1., -2.5E+3]
    truth: [true, FALSE, True]
    nothing: [~, null, ]
    """
    assert read_yaml(file_of(tmp_path, text)) == {
        "text": ["yes", "NO", "on", "off", "12:30", "010", "0x1F", "2018-01-01", "2000-01-01T00:00:00Z", "1.2.3", "1x",
                 "7", "trueish", "1e"],
        "whole": [0, -5, 1000, 7],
        "number": [1.5, 0.001, 0.5, 1.0, -2500.0],
        "truth": [True, False, True],
        "nothing": [None, None],
    }  # fmt: skip


def test_libyaml_reads_every_settings_file_as_plain_python_does() -> None:
    paths = [path for path in ROOT.rglob("*.yaml") if not path.is_relative_to(ROOT / ".venv")]
    assert len(paths) > 50
    for path in paths:
        plain = yaml.load(path.read_text(encoding="utf-8"), settings_files._Loader)  # noqa: S506 - a SafeLoader
        assert repr(read_yaml(path)) == repr(plain), path


def test_a_key_given_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"(?s)windows\.yaml: expected YAML.*folds given twice.*line 1"):
        read_yaml(file_of(tmp_path, "folds: 4\ntrain: 7d\nfolds: 5\n"))
    with pytest.raises(DefinitionError, match=r"zh given twice"):
        read_yaml(file_of(tmp_path, "names:\n  zh: a\n  zh: b\n"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("train: 90d\nfolds: four\n", r"folds: .*integer.*got 'four'"),
        ("train: 90\nfolds: 4\n", r"train: .*a duration such as .*got 90"),
        ("folds: 4\n", r"train: Field required$"),
        (
            "train: 90d\nfolds: 4\nfold: 5\n",
            r"fold: expected a known key \(nearest: folds\), got an unknown one with 5$",
        ),
        (
            "train: 90d\nfolds: 4\ncolour: red\n",
            r"colour: expected a known key \(one of folds, names, train\), got an unkn",
        ),
        ("- train\n", "expected a mapping of settings, got 'list'"),
        ("", "expected a mapping of settings, got 'NoneType'"),
        ("train: [", r"expected YAML, got a mistake: while parsing [^\n]*, in line 1, column \d+$"),
        ("train: !!python/object:os.system x", "expected YAML"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DefinitionError, match=told) as error:
        load_settings(file_of(tmp_path, text), Windows)
    assert "windows.yaml" in str(error.value)


class Zone(Settings):
    zone: str = ""


class Nested(Settings):
    place: Annotated[Zone | None, Field(description="one")] = None
    places: list[Zone] = []
    pairs: tuple[Zone, ...] = ()
    by_name: Mapping[str, Zone] = {}
    either: Zone | Windows | None = None


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("place: {zoen: x}", "place.zoen"),
        ("places: [{zone: x}, {zoen: x}]", "places.1.zoen"),
        ("pairs: [{zoen: x}]", "pairs.0.zoen"),
        ("by_name: {a: {zoen: x}}", "by_name.a.zoen"),
        ("either: {zoen: x}", "either.Zone.zoen"),
    ],
)
def test_the_nearest_key_is_told_at_any_depth(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(DefinitionError) as error:
        load_settings(file_of(tmp_path, text), Nested)
    assert f"  {where}: expected a known key (nearest: zone), got an unknown one with 'x'" in str(error.value)


def test_all_faults_are_told_at_once_and_briefly(tmp_path: Path) -> None:
    long = "x" * 5000
    with pytest.raises(DefinitionError, match=r"3 setting\(s\) to mend") as error:
        load_settings(file_of(tmp_path, f"train: {long}\nfolds: {long}\nmore: 1\n"), Windows)
    assert all(name in str(error.value) for name in ("train", "folds", "more"))


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"absent\.yaml: expected a settings file, found none"):
        read_yaml(tmp_path / "absent.yaml")
    with pytest.raises(DefinitionError, match="expected YAML"):
        read_yaml(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("name: café\n".encode("latin-1"))
    with pytest.raises(DefinitionError, match=r"latin\.yaml: expected YAML"):
        read_yaml(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("configs/**/*.yaml"), *ROOT.glob("data/**/*.yaml")]), ids=lambda p: p.name
)
def test_every_shipped_yaml_reads(path: Path) -> None:
    assert isinstance(read_yaml(path), dict)
