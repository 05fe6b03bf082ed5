"""Reproduction: a registered model trained again from its record, and compared byte by byte.

manifest --settings, journal up to its seq, labels as of then--> dataset, split
parameters, rounds, seed, threads --fit, no search--> model.txt, calibration.json, cutoffs.yaml
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import ValidationError

from domain.errors import ModelError
from domain.events import ColumnType
from domain.settings import PlatformSettings
from domain.time import parse_instant
from features.catalogue import load as load_features
from features.replay import build_snapshot
from stores.bundles import Manifest, verify_files
from stores.journal import Journal
from training.dataset import label
from training.fitting import Fitted, fit
from training.progress import Progress, silent
from training.provenance import Provenance
from training.record import data_hash
from training.search import Searched
from training.settings import TrainingSettings
from training.splits import make_split
from training.tracking import Tracker

_END_OF_TREES = "\nend of trees"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the model depends on: as it was recorded, and as it is now."""

    name: str
    recorded: str
    found: str

    @property
    def same(self) -> bool:
        """Whether it is what it was."""
        return self.recorded == self.found


@dataclass(frozen=True)
class Reproduced:
    """How a second training came out.

    Parameters
    ----------
    identical : whether model.txt is the same byte by byte. same_trees : whether its trees are, which they may be
        though parameters written after them differ.
    files : file of the bundle → whether it came out the same.
    facts : all that was compared; `differences` names what does not agree.
    """

    name: str
    version: int
    bundle: str
    identical: bool
    same_trees: bool
    files: Mapping[str, bool]
    facts: tuple[Fact, ...]

    @property
    def differences(self) -> tuple[Fact, ...]:
        """Facts that are not what they were."""
        return tuple(fact for fact in self.facts if not fact.same)

    def table(self) -> pd.DataFrame:
        """One row a fact."""
        rows = [(fact.name, fact.recorded, fact.found, fact.same) for fact in self.facts]
        return pd.DataFrame(rows, columns=["fact", "recorded", "found", "same"]).set_index("fact")

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name, "version": self.version, "bundle": self.bundle, "identical": self.identical,
            "same_trees": self.same_trees, "files": dict(self.files),
            "differences": {fact.name: {"recorded": fact.recorded, "found": fact.found} for fact in self.differences},
        }  # fmt: skip


def reproduce(
    tracker: Tracker,
    name: str,
    journal: Journal,
    *,
    version: str | int,
    root: Path,
    actor: str,
    threads: int | None = None,
    progress: Progress = silent,
) -> Reproduced:
    """Train a version again from its recorded inputs, without a search.

    Parameters
    ----------
    journal : the one it was trained on; read up to the recorded ``seq``.
    root : the project's folder, for its revision and lock.
    threads : instead of the recorded number; another number changes the bytes, not the trees.

    Raises
    ------
    ModelError
        When the bundle does not verify, or was made before what this needs was recorded.
    """
    record = tracker.version(name, version)
    with tempfile.TemporaryDirectory(prefix="assay-reproduce-") as scratch:
        manifest = verify_files(tracker.fetch(record.source, Path(scratch)))
        files = {each: manifest.read(each) for each in ("model.txt", "calibration.json", "cutoffs.yaml")}
        serving = yaml.safe_load(manifest.read("settings.yaml"))
    settings = _settings(manifest)
    if threads is not None:
        settings = settings.model_copy(update={"threads": threads})
    about = manifest.about
    platform = PlatformSettings.model_validate(serving["platform"])
    extensions = {column: ColumnType(kind) for column, kind in serving["extensions"].items()}
    feature_set = load_features(settings.features, platform, extensions)

    def tell(done: int, total: int, what: str) -> None:
        progress("features", done, total, what)

    span = about["snapshot"]
    rows = build_snapshot(
        feature_set, journal, platform, after=int(span["after_seq"]), upto=int(span["upto_seq"]),
        threads=settings.threads, progress=tell,
    )  # fmt: skip
    outcomes = journal.read("outcome", upto=int(span["upto_seq"]))
    held = pa.array(about.get("labels_held", []), pa.int64())
    outcomes = outcomes.filter(pc.invert(pc.is_in(outcomes["seq"], value_set=held)))
    as_of = parse_instant(str(about["labels_as_of"]))
    dataset = label(rows.table, outcomes, settings.policy, settings.maturity.clock, as_of)
    split = make_split(dataset, settings, platform.time_zone)
    given = Searched(dict(about["params"]), int(about["rounds"]), float("nan"), 0, ())
    fitted = fit(settings, feature_set, dataset, split, progress, given=given)
    found = {
        **Provenance.collect(root, actor).facts(),
        "journal": str(rows.manifest["data"]), "rows": str(rows.table.num_rows), "features": feature_set.hash,
        "data_hash": data_hash(fitted.X, split), "threads": str(settings.threads),
    }  # fmt: skip
    made = _files(fitted)
    model, again = files["model.txt"].decode(), fitted.model_text
    return Reproduced(
        name=name,
        version=int(record.version),
        bundle=manifest.hash,
        identical=made["model.txt"] == files["model.txt"],
        same_trees=_trees(model) == _trees(again),
        files={each: made[each] == content for each, content in files.items()},
        facts=tuple(Fact(each, value, found[each]) for each, value in _recorded(about).items() if each in found)
        + _sums(files, made),
    )


def _settings(manifest: Manifest) -> TrainingSettings:
    wanted = ("settings", "snapshot", "labels_as_of", "params", "rounds", "data_hash")
    missing = [name for name in wanted if name not in manifest.about]
    if missing:
        raise ModelError(
            f"{manifest.folder}: expected a manifest that says how to train again, got one without {missing}; "
            "it was made by an earlier version of Assay: train it anew"
        )
    try:
        return TrainingSettings.model_validate(yaml.safe_load(str(manifest.about["settings"])))
    except ValidationError as error:
        raise ModelError(
            f"{manifest.folder}: expected settings that this code reads, got {error}; check out code revision "
            f"{manifest.about.get('code_revision')}"
        ) from error


def _recorded(about: Mapping[str, Any]) -> dict[str, str]:
    """The facts of a manifest under the names that `Provenance.facts` gives them."""
    span = about["snapshot"]
    libraries = dict(each.rsplit(" ", 1) for each in str(about["libraries"]).split(", "))
    return {
        **{name: str(about[name]) for name in ("data_hash", "features")},
        "journal": str(span["data"]), "rows": str(span["n_rows"]),
        **{name: str(about[name]) for name in ("code_revision", "lock_hash", "python")},
        **{f"library {name}": version for name, version in libraries.items()},
        **{name: str(about[name]) for name in ("hardware", "threads")},
    }  # fmt: skip


def _files(fitted: Fitted) -> dict[str, bytes]:
    """Files of a bundle that follow from the rows alone, as `scoring.bundle.write_bundle` writes them."""
    cutoffs = {name: float(cut) for name, cut in fitted.cutoffs.items()}
    return {
        "model.txt": fitted.model_text.encode(),
        "calibration.json": (fitted.calibrator.to_json() + "\n").encode(),
        "cutoffs.yaml": yaml.safe_dump(cutoffs, sort_keys=False).encode(),
    }


def _trees(text: str) -> str:
    return text.partition(_END_OF_TREES)[0]


def _sums(files: Mapping[str, bytes], made: Mapping[str, bytes]) -> tuple[Fact, ...]:
    def digest(content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    return tuple(Fact(name, digest(content), digest(made[name])) for name, content in files.items())
