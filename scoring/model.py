"""The half of a bundle that needs no feature definitions: what turns an encoded row into score and reasons."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from domain.decision import Product
from domain.errors import DefinitionError, ModelError, expected_got
from scoring.calibrator import Calibrator
from scoring.encode import Encoder
from scoring.explainer import Explainer
from scoring.policy_settings import CUTS
from scoring.reasons import ReasonBook, Selector
from scoring.scorer import Scorer
from stores.bundles import Manifest

MODEL = "model.txt"
CALIBRATION = "calibration.json"
CUTOFFS = "cutoffs.yaml"
REASONS = "reasons.json"
REFERENCE = "reference.parquet"
GOLDEN = "golden.parquet"
SETTINGS = "settings.yaml"
FILES = (MODEL, CALIBRATION, CUTOFFS, REASONS, REFERENCE, GOLDEN, SETTINGS)


@dataclass(frozen=True)
class Model:
    """Scorer, calibrator, explainer and reasons of one model, for one thread at a time."""

    name: str
    product: Product
    encoder: Encoder
    scorer: Scorer
    calibrator: Calibrator
    explainer: Explainer
    reason_book: ReasonBook
    reason_baseline: NDArray[np.float64]
    selector: Selector
    cutoffs: dict[str, float]


def read_model(manifest: Manifest) -> tuple[Model, dict[str, Any]]:
    """The model of a verified bundle, and its settings as plain values.

    Raises
    ------
    ModelError
        When a file is absent, altered, or does not belong with the others.
    """
    where = str(manifest.folder)
    if set(manifest.files) != set(FILES):
        raise ModelError(expected_got(f"a bundle of {', '.join(sorted(FILES))}", sorted(manifest.files), where))
    settings = _mapping(manifest, SETTINGS, ("name", "product", "names", "categories", "features", "feature_hash",
                                             "platform", "extensions"))  # fmt: skip
    try:
        product = Product(settings["product"])
        encoder = Encoder(settings["names"], settings["categories"])
    except (ValueError, TypeError, AttributeError, DefinitionError) as error:
        raise ModelError(f"{where}/{SETTINGS}: expected the product and features of a model, got {error}") from error
    reasons = _mapping(manifest, REASONS, ("book", "baseline"))
    book = ReasonBook.of(reasons["book"], f"{where}/{REASONS}")
    try:
        baseline = np.array([float(reasons["baseline"][name]) for name in encoder.names])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(expected_got("a baseline for each feature", error, f"{where}/{REASONS}")) from error
    scorer = Scorer(_text(manifest, MODEL))
    if scorer.names != encoder.names:
        raise ModelError(expected_got(f"the features {list(encoder.names)}", list(scorer.names), f"{where}/{MODEL}"))
    model = Model(
        name=str(settings["name"]),
        product=product,
        encoder=encoder,
        scorer=scorer,
        calibrator=Calibrator.from_json(manifest.read(CALIBRATION)),
        explainer=Explainer(scorer),
        reason_book=book,
        reason_baseline=baseline,
        selector=Selector(book, baseline, encoder.names),
        cutoffs=check_cutoffs(_mapping(manifest, CUTOFFS, CUTS), f"{where}/{CUTOFFS}"),
    )
    return model, settings


def check_cutoffs(cutoffs: Any, where: str) -> dict[str, float]:
    """Cut-offs that rise from attention over warning to high, all within [0, 1]."""
    values = [cutoffs.get(name) for name in CUTS] if set(cutoffs) == set(CUTS) else []
    if (
        not values
        or not all(isinstance(value, float) for value in values)
        or not 0 <= values[0] < values[1] < values[2] <= 1
    ):
        raise ModelError(expected_got("probabilities attention < warning < high", dict(cutoffs), where))
    return dict(zip(CUTS, values, strict=True))


def _text(manifest: Manifest, name: str) -> str:
    try:
        return manifest.read(name).decode()
    except UnicodeDecodeError as error:
        raise ModelError(expected_got("UTF-8 text", error, f"{manifest.folder}/{name}")) from error


def _mapping(manifest: Manifest, name: str, keys: tuple[str, ...]) -> dict[str, Any]:
    where = f"{manifest.folder}/{name}"
    text = _text(manifest, name)
    try:
        content = json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise ModelError(expected_got("values that can be read", error, where)) from error
    if not isinstance(content, dict) or set(content) != set(keys):
        raise ModelError(expected_got(f"{', '.join(keys)}", content, where))
    return content
