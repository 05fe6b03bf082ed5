"""The gate on stability: score and features of the test period beside the reference in the bundle."""

from __future__ import annotations

import json
from pathlib import Path

from training.gates.gate import Gate, Verdict, verdict_of
from training.gates.settings import Stability
from training.stability import Moved

_SHOWN = 3


def stable(path: Path, limits: Stability) -> Gate:
    """Neither the score nor the features that carry the model have moved.

    Parameters
    ----------
    path : what training logged as `stability.json`; the score first.
    """
    score, *features = (Moved(**each) for each in json.loads(path.read_text(encoding="utf-8")))
    limit = (
        f"score at most {limits.score:g}; features beyond {limits.feature:g} bear at most {limits.share:.0%} "
        "of the contributions"
    )
    fewest = min(score.n_reference, score.n_current)
    if fewest < limits.least_rows:
        said = f"{fewest} rows, at least {limits.least_rows} are needed on each side"
        required = limits.unassessed == "refuse"
        return Gate("stability", Verdict.NOT_ASSESSED, False, said, limit, limits.source, required)
    moved = sorted((each for each in features if each.beyond(limits.feature)), key=lambda each: -each.share)
    share = sum(each.share for each in moved)
    names = ", ".join(f"{each.name} {each.psi:.2f}" for each in moved[:_SHOWN])
    more = f" and {len(moved) - _SHOWN} more" if len(moved) > _SHOWN else ""
    said = f"score {score.psi:.3f} (by chance up to {score.by_chance:.3f})"
    said += f"; {len(moved)} of {len(features)} features moved, bearing {share:.0%}"
    said += f": {names}{more}" if moved else ""
    fine = not score.beyond(limits.score) and share <= limits.share
    return Gate("stability", verdict_of(fine), False, said, limit, limits.source)
