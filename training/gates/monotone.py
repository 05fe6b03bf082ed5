"""The gate on signs: sweeps of each feature that the model was told to keep to a sign."""

from __future__ import annotations

import yaml

from scoring.bundle import Bundle
from training.gates.gate import Gate, Verdict, verdict_of
from training.gates.settings import Monotonicity

_SHOWN = 3


def monotone(bundle: Bundle, limits: Monotonicity) -> Gate:
    """No swept row of the reference moves against a declared sign."""
    limit = f"no row out of {limits.n_rows} moves the wrong way"
    signs = declared_signs(bundle)
    if not signs:
        said = "no sign was declared (constraints.monotone of the training config)"
        return Gate("monotonicity", Verdict.NOT_ASSESSED, False, said, limit, limits.source, required=False)
    from training.sweeps import monotone_violations

    names = bundle.encoder.names
    X = bundle.encoder.matrix(bundle.reference())
    text = bundle.manifest.read("model.txt").decode()
    found = monotone_violations(bundle.scorer.raw_many, X, names, signs, model_text=text, n_rows=limits.n_rows, seed=0)
    said = f"{len(signs)} features swept over {min(limits.n_rows, len(X))} rows"
    if found:
        said += f"; {len(found)} move the wrong way: {'; '.join(map(str, found[:_SHOWN]))}"
    return Gate("monotonicity", verdict_of(not found), False, said, limit, limits.source)


def declared_signs(bundle: Bundle) -> dict[str, int]:
    """Feature → sign that the training config told the model to keep to; a category has no order and none."""
    settings = yaml.safe_load(str(bundle.manifest.about.get("settings", ""))) or {}
    declared = (settings.get("constraints") or {}).get("monotone", "none")
    if isinstance(declared, dict):
        return {str(name): int(sign) for name, sign in declared.items()}
    if declared != "catalogue":
        return {}
    ordered = [each for each in bundle.feature_set.features if each.name not in bundle.feature_set.categorical]
    return {each.name: each.sign for each in ordered if each.sign is not None}
