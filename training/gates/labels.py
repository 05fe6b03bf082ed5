"""The gate on labels: nothing it learnt beside was held back and still waits for a person."""

from __future__ import annotations

from collections.abc import Mapping

from scoring.released import HELD
from training.gates.gate import Gate, Verdict, verdict_of
from training.gates.settings import Labels


def labelled(tags: Mapping[str, str], limits: Labels) -> Gate:
    """At most so many outcomes were held back at training without a ruling.

    Parameters
    ----------
    tags : of the version.

    Examples
    --------
    >>> limits = Labels(open=0, unassessed="accept", source="an example")
    >>> [labelled(tags, limits).verdict.value for tags in ({"labels_held": "0"}, {"labels_held": "60"}, {})]
    ['passed', 'failed', 'not assessed']
    """
    limit = f"at most {limits.open} outcomes held back without a ruling"
    found = tags.get(HELD, "")
    if not found.isdigit():
        required = limits.unassessed == "refuse"
        said = "trained without rules for the intake of labels"
        return Gate("labels", Verdict.NOT_ASSESSED, False, said, limit, limits.source, required)
    said = (
        f"{found} held back; see and rule on them with `assay labels`, then train again" if int(found) else "none held"
    )
    return Gate("labels", verdict_of(int(found) <= limits.open), False, said, limit, limits.source)
