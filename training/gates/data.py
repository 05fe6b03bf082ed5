"""Gates on the data a model came from: its intake audit, and whether its test lies later in time."""

from __future__ import annotations

from collections.abc import Mapping

from training.gates.gate import Gate, Verdict, verdict_of
from training.gates.settings import Intake

_GRADES = ("green", "amber", "red")


def audited(tags: Mapping[str, str], limits: Intake) -> Gate:
    """The intake audit found nothing worse than the limit.

    Parameters
    ----------
    tags : of the version; ``intake`` is the grade of its worst finding.

    Examples
    --------
    >>> limits = Intake(worst="amber", unassessed="refuse", source="an example")
    >>> [audited({"intake": grade}, limits).verdict.value for grade in ("green", "red", "")]
    ['passed', 'failed', 'not assessed']
    """
    found = tags.get("intake", "")
    limit = f"nothing worse than {limits.worst}"
    if found not in _GRADES:
        said = f"no intake audit of its data (tag intake: {found or 'absent'}); train again to have one"
        required = limits.unassessed == "refuse"
        return Gate("intake", Verdict.NOT_ASSESSED, False, said, limit, limits.source, required)
    fine = _GRADES.index(found) <= _GRADES.index(limits.worst)
    return Gate("intake", verdict_of(fine), False, f"worst finding {found}", limit, limits.source)


def timely(tags: Mapping[str, str]) -> Gate:
    """The split does not say of itself that its figures prove nothing about the future.

    Examples
    --------
    >>> timely({"test_rows": "fraud, forward split"}).passed, timely({"warning": "random split"}).passed
    (True, False)
    """
    warning = tags.get("warning", "")
    said = warning or tags.get("test_rows", "no warning")
    return Gate(
        "evidence", verdict_of(not warning), False, said, "a split whose figures are evidence", "the split itself"
    )
