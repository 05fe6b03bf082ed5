"""``features.lock``: one line per feature with the hash of its meaning, so that a diff shows what changed.

A line holds the product, the name, the first 12 hex digits of a SHA-256, and the meaning in words a reviewer
reads. The hash of a derived feature covers the meanings of its inputs. Words such as units, owners and rationales
are not part of it; currency, time zone and lateness belong to the platform and are not either.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.events import KINDS
from domain.time import format_duration
from features.catalogue import LAW, SUBJECTS, described, discover
from features.derived import Derived, Expression, Operand
from features.view import FeatureView

LOCK = Path(__file__).resolve().parents[1] / "features.lock"
UPDATE = "run `assay features lock` and say in CHANGELOG.md what changed and why"

_HEAD = (
    "# What every feature means; written by `assay features lock`, kept by a test.",
    "# product, name, hash of the meaning, the meaning. A changed hash is a changed feature: models must be retrained.",
    f"law {LAW}",
)


def lock_text() -> str:
    """The whole file.

    Examples
    --------
    >>> lock_text().splitlines()[2]
    'law 1'
    """
    lines = [*_HEAD]
    for product in SUBJECTS:
        lines.append("")
        lines += [f"{product} {name} {digest} {words}" for name, (digest, words) in meanings(product).items()]
    return "\n".join(lines) + "\n"


def meanings(product: str) -> dict[str, tuple[str, str]]:
    """Feature → hash of its meaning and the meaning, in the order of a computed row; those that are off too."""
    available = discover(product)
    aggregated = {name: words for view in available.views for name, words in view_meanings(view).items()}
    derived = {feature.name: feature for feature in available.derived}
    found: dict[str, tuple[str, str]] = {}
    for feature in described(product):
        if feature.name in derived:
            inputs = sorted(derived[feature.name].expression.inputs())
            found[feature.name] = derived_meaning(derived[feature.name], {name: found[name][0] for name in inputs})
        else:
            words = aggregated.get(feature.name) or _own(product, feature.name)
            found[feature.name] = _digest(words), words
    return found


def differences(old: str, new: str) -> list[str]:
    r"""What changed between two locks, a line each: ``+`` added, ``-`` removed, ``~`` other meaning.

    Examples
    --------
    >>> differences("payment a 1 x\npayment b 2 y", "payment a 3 z\npayment c 2 y")
    ['~ payment a: z (was: x)', '- payment b: y', '+ payment c: y']
    """
    before, after = _entries(old), _entries(new)
    lines = []
    for key in dict.fromkeys([*before, *after]):
        was, now = before.get(key), after.get(key)
        if was is None and now is not None:
            lines.append(f"+ {key}: {now[1]}")
        elif now is None and was is not None:
            lines.append(f"- {key}: {was[1]}")
        elif was is not None and now is not None and was[0] != now[0]:
            lines.append(f"~ {key}: {now[1]} (was: {was[1]})")
    if old.splitlines()[:3] != new.splitlines()[:3] and not lines:
        lines.append("~ the head of the file: the law has another version, every value may differ")
    return lines


def _entries(text: str) -> dict[str, tuple[str, str]]:
    rows = [line.split(" ", 3) for line in text.splitlines() if line.split(" ", 1)[0] in SUBJECTS]
    return {f"{product} {name}": (digest, words) for product, name, digest, words in rows}


def view_meanings(view: FeatureView) -> dict[str, str]:
    """Name → meaning of each aggregate of a view."""
    head = view.canonical()
    head.pop("features")
    entity, source, where = head.pop("entity"), head.pop("source"), head.pop("where")
    head.pop("prefix")  # a part of the name
    of_view = f"of {source} by {entity}{_conditions(where)}, {_fields(head)}"
    found: dict[str, str] = {}
    for aggregate in view.features:
        body, names = aggregate.canonical(), aggregate.names(view.stem)
        kind = body.pop("aggregate")
        body.pop("over", None)
        for place, (name, window) in enumerate(zip(names, aggregate.reach, strict=True)):
            # Of a list with one entry per output only its own belongs to an output.
            mine = {
                field: value[place] if isinstance(value, list) and len(value) == len(names) else value
                for field, value in body.items()
            }
            # Without windows of its own an aggregate reaches back over the view's longest.
            within = f"within {format_duration(view.windows[-1] if window is None else window)}"
            found[name] = f"{kind}({', '.join([*filter(None, [_fields(mine)]), within])}) {of_view}"
    return found


def derived_meaning(feature: Derived, inputs: Mapping[str, str]) -> tuple[str, str]:
    """Hash and meaning of a derived feature, given the hashes of its inputs."""
    words = _said(feature.expression)
    return _digest(json.dumps([words, dict(sorted(inputs.items()))])), words


def _said(operand: Operand) -> str:
    if isinstance(operand, Expression):
        return f"{operand.word}({', '.join(_said(each) for each in operand.operands)})"
    return operand if isinstance(operand, str) else repr(float(operand))


def _own(product: str, column: str) -> str:
    kind = SUBJECTS[product]
    return f"column {kind}.{column} ({KINDS[kind][column].type.value}) of the request"


def _conditions(where: list[dict[str, Any]]) -> str:
    return "" if not where else " where " + " and ".join(_condition(condition) for condition in where)


def _condition(body: Mapping[str, Any]) -> str:
    if set(body) == {"column", "values", "or_null"}:
        return f"{body['column']} in {_plain(body['values'])}{' or null' if body['or_null'] else ''}"
    return _fields(body)


def _fields(body: Mapping[str, Any]) -> str:
    """``a=1, b=[x, y]``: every field, in the order of the names."""
    return ", ".join(f"{name}={_plain(body[name])}" for name in sorted(body))


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{{_condition(value)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_plain(each) for each in value)}]"
    return str(value)


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:12]
