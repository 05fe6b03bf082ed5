"""The catalogue: which features there are, what they mean, and the hash of their definition."""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from domain.errors import DefinitionError, expected_got
from domain.events import KINDS, ColumnType
from domain.labels import CREDIT_POLICY, FRAUD_POLICY
from domain.settings import PlatformSettings
from features.columns import COMPUTED
from features.derived import Derived
from features.own import DEFAULT_OWN, own_type
from features.plan import Plan, compile_plan
from features.settings import FeatureSettings
from features.view import FeatureView

LAW = 1
"""Version of the visibility law and of the finaliser; raise it when a value changes for equal definitions."""

SUBJECTS: Mapping[str, str] = {"payment": "transaction", "loan": "application"}
POLICIES = {"payment": FRAUD_POLICY, "loan": CREDIT_POLICY}
_FOLDERS = {"payment": "payment", "loan": "credit"}
_OWN_GROUPS = {"payment": "payment", "loan": "application"}

Form = Literal["own", "category", "aggregate", "derived"]


@dataclass(frozen=True)
class Feature:
    """One feature of the catalogue; ``sign`` is +1 where more should mean more risk, −1 where less, else None."""

    name: str
    group: str
    form: Form
    unit: str
    doc: str
    sign: int | None = None
    view: str | None = None


@dataclass(frozen=True)
class FeatureSet:
    """The chosen features in order, and the plan that computes them.

    ``names`` holds own numbers, categories, aggregates, derived; ``categorical`` those whose value is text;
    ``hash`` covers everything that changes a value.
    """

    product: str
    subject_kind: str
    views: tuple[FeatureView, ...]
    features: tuple[Feature, ...]
    names: tuple[str, ...]
    categorical: tuple[str, ...]
    hash: str
    label_policy: str
    base_currency: str
    definition: Mapping[str, Any] = field(repr=False)
    plan: Plan = field(repr=False, compare=False)

    def feature(self, name: str) -> Feature:
        """The entry of one name.

        Raises
        ------
        DefinitionError
            When the set has none.
        """
        for found in self.features:
            if found.name == name:
                return found
        raise DefinitionError(expected_got("a feature of the set", name, self.product))


def load(
    settings: FeatureSettings, platform: PlatformSettings, extensions: Mapping[str, ColumnType] | None = None
) -> FeatureSet:
    """Compile the features that the settings choose.

    Parameters
    ----------
    extensions : types of the subject's ``x_…`` columns, needed where ``own`` names one.

    Raises
    ------
    DefinitionError
        When a name is unknown, a column is protected, or a definition does not fit its kinds.

    Examples
    --------
    >>> platform = PlatformSettings(
    ...     base_currency="CNY", time_zone="Asia/Shanghai", max_lateness="3d", future_tolerance="5m", fx={}
    ... )
    >>> chosen = load(FeatureSettings(product="payment", views=["card"], own=["amount", "channel"]), platform)
    >>> chosen.names[:3], chosen.categorical
    (('amount', 'channel', 'card_count_1h'), ('channel',))
    """
    available = discover(settings.product)
    views = _chosen_views(settings, available.views)
    return compile_set(settings, platform, views, available.derived, extensions or {})


def compile_set(
    settings: FeatureSettings,
    platform: PlatformSettings,
    views: tuple[FeatureView, ...],
    derived: tuple[Derived, ...],
    extensions: Mapping[str, ColumnType],
) -> FeatureSet:
    """A feature set of given views; derived features whose inputs were not chosen are left out."""
    subject_kind = SUBJECTS[settings.product]
    columns = DEFAULT_OWN[subject_kind] if settings.own is None else settings.own
    own = [(column, own_type(subject_kind, column, extensions)) for column in dict.fromkeys(columns)]
    kept = _computable(derived, {column for column, _ in own} | {n for view in views for n in view.feature_names()})
    plan, names = compile_plan(
        subject_kind, views, own, kept, frozenset(settings.exclude), platform.fx_table(), platform.time_zone,
        platform.max_lateness,
    )  # fmt: skip
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DefinitionError(expected_got("feature names that occur once", twice, settings.product))
    unknown = sorted(set(settings.exclude) - set(names))
    if unknown:
        raise DefinitionError(expected_got("features of the set", unknown, "exclude"))
    described = _describe(settings.product, own, views, kept, platform.base_currency)
    features = tuple(described[name] for name in names if name not in settings.exclude)
    definition = {
        "law": LAW,
        "product": settings.product,
        "own": [[column, kind.value] for column, kind in own],
        "views": [view.canonical() for view in views],
        "derived": [[feature.name, feature.expression.canonical()] for feature in kept],
        "names": [feature.name for feature in features],
        "label_policy": POLICIES[settings.product].version,
        "base_currency": platform.base_currency,
        "time_zone": platform.time_zone,
        "max_lateness": platform.max_lateness,
        "fx": platform.fx,
    }
    canonical = json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return FeatureSet(
        product=settings.product,
        subject_kind=subject_kind,
        views=views,
        features=features,
        names=tuple(feature.name for feature in features),
        categorical=tuple(feature.name for feature in features if feature.form == "category"),
        hash=hashlib.sha256(canonical.encode()).hexdigest(),
        label_policy=POLICIES[settings.product].version,
        base_currency=platform.base_currency,
        definition=definition,
        plan=plan,
    )


@dataclass(frozen=True)
class Available:
    """What a product's definitions declare."""

    views: tuple[FeatureView, ...]
    derived: tuple[Derived, ...]


@lru_cache(maxsize=2)
def discover(product: str) -> Available:
    """All views and derived features of a product: one module each under ``features/definitions``.

    Raises
    ------
    DefinitionError
        When a module declares neither VIEW nor DERIVED.
    """
    package = importlib.import_module(f"features.definitions.{_FOLDERS[product]}")
    views: list[FeatureView] = []
    derived: list[Derived] = []
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        view = getattr(module, "VIEW", None)
        more = getattr(module, "DERIVED", ())
        if view is None and not more:
            raise DefinitionError(expected_got("VIEW or DERIVED", "neither", module.__name__))
        if view is not None:
            views.append(replace(view, name=found.name, group=view.group or found.name))
        derived += more
    return Available(tuple(views), tuple(derived))


def _chosen_views(settings: FeatureSettings, available: tuple[FeatureView, ...]) -> tuple[FeatureView, ...]:
    if settings.views is None:
        return tuple(view for view in available if view.on)
    known = {view.name: view for view in available}
    unknown = sorted(set(settings.views) - set(known))
    if unknown:
        raise DefinitionError(expected_got(f"views out of {', '.join(known)}", unknown, "views"))
    return tuple(view for view in available if view.name in settings.views)


def _computable(derived: tuple[Derived, ...], names: set[str]) -> tuple[Derived, ...]:
    """Those whose inputs are there, each after its inputs."""
    kept: list[Derived] = []
    waiting = list(derived)
    while True:
        ready = [feature for feature in waiting if feature.expression.inputs() <= names]
        if not ready:
            return tuple(kept)
        kept += ready
        names = names | {feature.name for feature in ready}
        waiting = [feature for feature in waiting if feature not in ready]


def _describe(
    product: str,
    own: list[tuple[str, ColumnType]],
    views: tuple[FeatureView, ...],
    derived: tuple[Derived, ...],
    currency: str,
) -> dict[str, Feature]:
    described: dict[str, Feature] = {}
    kind = SUBJECTS[product]
    for column, found in own:
        form: Form = "category" if found is ColumnType.CATEGORY else "own"
        doc = KINDS[kind][column].doc if column in KINDS[kind] else "extension column"
        if found is ColumnType.MONEY:
            doc = f"{column.replace('_', ' ')}, in {currency}"
        described[column] = Feature(column, _OWN_GROUPS[product], form, _unit(kind, column, currency), doc)
    for view in views:
        for aggregate in view.features:
            source_unit = "" if aggregate.column is None else _unit(view.source, aggregate.column, currency)
            reach = aggregate.windows if aggregate.WINDOWED else (None,)
            for name, window in zip(aggregate.names(view.stem), reach, strict=True):
                doc = f"{aggregate.doc(window)}: {view.source} events of the {view.entity.removesuffix('_id')}"
                described[name] = Feature(
                    name, view.group or view.name, "aggregate", aggregate.unit(source_unit), doc, aggregate.sign,
                    view.name,
                )  # fmt: skip
    for feature in derived:
        described[feature.name] = Feature(
            feature.name, feature.group, "derived", feature.unit, feature.doc, feature.sign
        )
    return described


def _unit(kind: str, column: str, currency: str) -> str:
    declared = KINDS[kind].get(column)
    found = declared.type if declared is not None else COMPUTED.get(column, (None, ""))[0]
    if found is ColumnType.MONEY:
        return currency
    if found is ColumnType.FLAG:
        return "share"
    if found in (ColumnType.CATEGORY, ColumnType.KEY):
        return "text"
    return next((word for word in ("days", "months", "years") if word in column), "1")
