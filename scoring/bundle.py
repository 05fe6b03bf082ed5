"""The model bundle: the contract between training, which writes it, and everything that scores."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray
from pydantic import ValidationError

from domain.decision import Product
from domain.errors import DefinitionError, ModelError, expected_got
from domain.events import ColumnType
from domain.settings import PlatformSettings
from features.catalogue import FeatureSet
from features.catalogue import load as load_features
from features.settings import FeatureSettings
from scoring import model as files
from scoring.calibrator import Calibrator
from scoring.encode import Encoder
from scoring.explainer import Explainer
from scoring.golden import check_golden, check_golden_of, check_in_child
from scoring.model import Model, check_cutoffs, read_model
from scoring.reasons import ReasonBook, Selector
from scoring.scorer import Scorer
from stores.bundles import Manifest, verify_files, write_manifest


@dataclass(frozen=True)
class BundleParts:
    """What training puts into a bundle.

    Parameters
    ----------
    name : "fraud" or "credit".
    categories : categorical feature → known values, in the order of their codes.
    extensions : columns named ``x_…`` of the subject's kind, with their types.
    cutoffs : attention, warning, high: calibrated probabilities.
    reason_baseline : float64[m], mean contributions of the near-threshold approved population.
    reason_book : resolved for the feature set when it is written.
    reference : features, raw_score, score and event_time of the reference population.
    golden : made by `scoring.golden.golden_table`.
    about : JSON values: run, data hash, code revision, lock hash, seeds, threads, hardware, operator, times.
    """

    name: str
    product: Product
    model_text: str
    feature_settings: FeatureSettings
    platform: PlatformSettings
    feature_hash: str
    feature_names: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    extensions: Mapping[str, ColumnType]
    calibration: Calibrator
    cutoffs: Mapping[str, float]
    reason_baseline: NDArray[np.float64]
    reason_book: ReasonBook
    reference: pa.Table
    golden: pa.Table
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Bundle(Model):
    """A verified bundle, ready to score; its scorer serves one thread at a time."""

    hash: str
    folder: Path
    manifest: Manifest
    feature_set: FeatureSet
    feature_settings: FeatureSettings
    platform: PlatformSettings
    extensions: Mapping[str, ColumnType]

    @property
    def reference_path(self) -> Path:
        """The Parquet file of the reference population."""
        return self.folder / files.REFERENCE

    def reference(self) -> pa.Table:
        """The reference population, read when asked for and verified as it is read."""
        return pq.read_table(pa.BufferReader(self.manifest.read(files.REFERENCE)))


def write_bundle(folder: Path, parts: BundleParts) -> str:
    """Write a bundle into a new folder; returns its hash.

    Raises
    ------
    ModelError
        When the parts do not belong together or the golden rows do not hold; nothing is left behind.
    DefinitionError
        When the reason book does not cover every feature.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ModelError(f"{folder}: expected a new or empty folder for the bundle, it holds files")
    feature_set = _compiled(parts.feature_settings, parts.platform, parts.extensions, parts.feature_hash, str(folder))
    _check_names(parts.feature_names, parts.categories, feature_set)
    book = parts.reason_book.resolved((feature.name, feature.group) for feature in feature_set.features)
    scorer = Scorer(parts.model_text)
    if scorer.names != parts.feature_names:
        raise ModelError(expected_got(f"a model of {list(parts.feature_names)}", list(scorer.names), str(folder)))
    selector = Selector(book, parts.reason_baseline, scorer.names)
    check_golden(parts.golden, scorer, parts.calibration, Explainer(scorer), selector)
    for name in (*scorer.names, "raw_score", "score", "event_time"):
        if name not in parts.reference.column_names:
            raise ModelError(expected_got(f"a reference with {name}", parts.reference.column_names, str(folder)))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _write_files(folder, parts, book)
        about = {**parts.about, "name": parts.name, "product": parts.product.value, "features": parts.feature_hash}
        return write_manifest(folder, about)
    except BaseException:
        shutil.rmtree(folder)
        raise


def load_bundle(folder: Path, *, score_golden_in_child: bool = True) -> Bundle:
    """Verify a bundle, prove it on its golden rows, and only then make it ready to score.

    Parameters
    ----------
    score_golden_in_child : also score them first in a process of their own, which a damaged model
        may take down; leave it on wherever something else runs in this process.

    Raises
    ------
    ModelError
        When anything is missing, altered or does not agree; the message says what to do.
    """
    manifest = verify_files(folder)
    if score_golden_in_child:
        check_in_child(folder)
    model, settings = read_model(manifest)
    try:
        feature_settings = FeatureSettings.model_validate(settings["features"])
        platform = PlatformSettings.model_validate(settings["platform"])
        extensions = {name: ColumnType(found) for name, found in settings["extensions"].items()}
    except (ValidationError, ValueError, AttributeError) as error:
        raise ModelError(f"{folder}/{files.SETTINGS}: expected settings of this version, got {error}") from error
    feature_set = _compiled(feature_settings, platform, extensions, str(settings["feature_hash"]), str(folder))
    _check_names(model.encoder.names, model.encoder.categories, feature_set)
    check_golden_of(manifest, model)
    return Bundle(
        **{part.name: getattr(model, part.name) for part in fields(Model)},
        hash=manifest.hash,
        folder=folder,
        manifest=manifest,
        feature_set=feature_set,
        feature_settings=feature_settings,
        platform=platform,
        extensions=extensions,
    )


def _compiled(
    settings: FeatureSettings,
    platform: PlatformSettings,
    extensions: Mapping[str, ColumnType],
    expected: str,
    where: str,
) -> FeatureSet:
    try:
        feature_set = load_features(settings, platform, extensions)
    except DefinitionError as error:
        raise ModelError(f"{where}: expected features this code can compute, got {error}; train again") from error
    if feature_set.hash != expected:
        raise ModelError(
            f"{where}: expected features with the definition hash {expected[:12]}…, this code computes "
            f"{feature_set.hash[:12]}…: a definition has changed since; train again, or run the older code"
        )
    return feature_set


def _check_names(names: tuple[str, ...], categories: Mapping[str, Any], feature_set: FeatureSet) -> None:
    if tuple(names) != tuple(feature_set.names) or list(categories) != list(feature_set.categorical):
        raise ModelError(
            expected_got(
                f"the features {list(feature_set.names)}, categorical {list(feature_set.categorical)}",
                f"{list(names)}, {list(categories)}",
                "bundle",
            )
        )


def _write_files(folder: Path, parts: BundleParts, book: ReasonBook) -> None:
    encoder = Encoder(parts.feature_names, parts.categories)
    settings = {
        "name": parts.name,
        "product": parts.product.value,
        "features": parts.feature_settings.model_dump(mode="json"),
        "feature_hash": parts.feature_hash,
        "platform": parts.platform.model_dump(mode="json"),
        "extensions": {name: found.value for name, found in parts.extensions.items()},
        "names": list(encoder.names),
        "categories": {name: list(values) for name, values in encoder.categories.items()},
    }
    baseline = dict(zip(parts.feature_names, parts.reason_baseline.tolist(), strict=True))
    cutoffs = check_cutoffs({name: float(cut) for name, cut in parts.cutoffs.items()}, str(folder))
    _write(folder / files.MODEL, parts.model_text)
    _write(folder / files.CALIBRATION, parts.calibration.to_json() + "\n")
    _write(folder / files.CUTOFFS, yaml.safe_dump(cutoffs, sort_keys=False))
    _write(folder / files.REASONS, _json({"book": book.model_dump(mode="json"), "baseline": baseline}))
    _write(folder / files.SETTINGS, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))
    pq.write_table(parts.reference, folder / files.REFERENCE, compression="zstd")
    pq.write_table(parts.golden, folder / files.GOLDEN, compression="zstd")


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
