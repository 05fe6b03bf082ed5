"""The catalogue's expected signs and groups as LightGBM's constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import DefinitionError, expected_got
from features.catalogue import FeatureSet
from training.families.family import Columns
from training.families.settings import Constraints


def expected_signs(feature_set: FeatureSet) -> dict[str, int]:
    """Feature → +1 where more should mean more risk, −1 where less; those without an expectation are left out."""
    return {feature.name: feature.sign for feature in feature_set.features if feature.sign is not None}


def catalogue_groups(feature_set: FeatureSet) -> dict[str, str]:
    """Feature → its group in the catalogue."""
    return {feature.name: feature.group for feature in feature_set.features}


def check_named(constraints: Constraints, feature_set: FeatureSet) -> None:
    """Refuse names that are no features of the model, and signs of features that have no order.

    Raises
    ------
    DefinitionError
        Naming them.
    """
    unknown = sorted(constraints.named() - set(feature_set.names))
    if unknown:
        raise DefinitionError(expected_got("features of the model", unknown, "constraints"))
    if isinstance(constraints.monotone, dict):
        unordered = sorted(set(constraints.monotone) & set(feature_set.categorical))
        if unordered:
            raise DefinitionError(
                expected_got("features with an order; a category has none", unordered, "constraints.monotone")
            )


def monotone_signs(constraints: Constraints, signs: Mapping[str, int]) -> dict[str, int]:
    """Feature → sign that the trees must keep to.

    Examples
    --------
    >>> monotone_signs(Constraints(monotone="none"), {"amount": 1})
    {}
    >>> monotone_signs(Constraints(monotone={"age": -1}), {"amount": 1})
    {'age': -1}
    """
    if isinstance(constraints.monotone, dict):
        return dict(constraints.monotone)
    return dict(signs) if constraints.monotone == "catalogue" else {}


def interaction_lists(constraints: Constraints, groups: Mapping[str, str] | None) -> tuple[tuple[str, ...], ...]:
    """Lists of features that may meet on a path; empty where any may.

    Raises
    ------
    DefinitionError
        When the catalogue's groups are asked for and there is none.

    Examples
    --------
    >>> interaction_lists(Constraints(interactions="catalogue"), {"amount": "payment", "n_1h": "card", "n_1d": "card"})
    (('amount',), ('n_1h', 'n_1d'))
    """
    if constraints.interactions == "any":
        return ()
    if isinstance(constraints.interactions, list):
        return tuple(tuple(names) for names in constraints.interactions)
    if groups is None:
        raise DefinitionError("constraints.interactions: expected features with groups for 'catalogue', got none")
    found: dict[str, list[str]] = {}
    for name, group in groups.items():
        found.setdefault(group, []).append(name)
    return tuple(tuple(names) for names in found.values())


def constraint_parameters(
    columns: Columns, signs: Mapping[str, int], method: str, interactions: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """LightGBM's parameters for the columns at hand; a name that is not among them constrains nothing.

    Examples
    --------
    >>> columns = Columns(("amount", "age", "channel"), ("channel",))
    >>> constraint_parameters(columns, {"age": -1, "channel": 1}, "basic", [["age", "amount"]])
    {'monotone_constraints': [0, -1, 0], 'monotone_constraints_method': 'basic',
     'interaction_constraints': [[1, 0], [2]]}
    """
    found: dict[str, Any] = {}
    ordered = [0 if name in columns.categorical else signs.get(name, 0) for name in columns.names]
    if any(ordered):
        # The method without constraints ends the process (LightGBM issue 6841).
        found |= {"monotone_constraints": ordered, "monotone_constraints_method": method}
    if interactions:
        place = {name: position for position, name in enumerate(columns.names)}
        lists = [[place[name] for name in names if name in place] for names in interactions]
        # LightGBM would never use a feature that is on no list.
        rest = sorted(set(place.values()).difference(*lists))
        found["interaction_constraints"] = [each for each in [*lists, rest] if each]
    return found
