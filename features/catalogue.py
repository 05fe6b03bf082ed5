"""The catalogue: which features there are, what they mean, and the hash of their definition."""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import ModuleType
from typing import Any

from domain.errors import DefinitionError, expected_got
from domain.events import ColumnType
from domain.labels import CREDIT_POLICY, FRAUD_POLICY
from domain.settings import PlatformSettings
from features.derived import Derived
from features.describing import Feature, describe
from features.own import DEFAULT_OWN, OWNER, own_type
from features.plan import Plan, compile_plan
from features.settings import FeatureSettings
from features.view import FeatureView

LAW = 1
"""Version of the visibility law and of the finaliser; raise it when a value changes for equal definitions."""

SUBJECTS: Mapping[str, str] = {"payment": "transaction", "loan": "application"}
POLICIES = {"payment": FRAUD_POLICY, "loan": CREDIT_POLICY}
_FOLDERS = {"payment": "payment", "loan": "credit"}
_OWN_GROUPS = {"payment": "payment", "loan": "application"}


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
    described = describe(
        subject_kind, own, _OWN_GROUPS[settings.product], views, kept, platform.base_currency,
        discover(settings.product).proxies,
    )  # fmt: skip
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
    """What a product's definitions declare.

    Parameters
    ----------
    proxies : feature → the protected attribute it may stand for.
    files : names of the files, in order. derived_in : the file of each derived feature.
    """

    views: tuple[FeatureView, ...]
    derived: tuple[Derived, ...]
    proxies: Mapping[str, str]
    files: tuple[str, ...]
    derived_in: tuple[str, ...]


@lru_cache(maxsize=2)
def discover(product: str) -> Available:
    """All views and derived features of a product: one module each under ``features/definitions``.

    Raises
    ------
    DefinitionError
        When a module declares neither VIEW nor DERIVED, or derived features without saying why.
    """
    package = importlib.import_module(f"features.definitions.{_FOLDERS[product]}")
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name)
    ]
    return collect(modules)


def collect(modules: Iterable[ModuleType]) -> Available:
    """What definition modules declare: VIEW, DERIVED (with RATIONALE where there is no view), PROXIES."""
    views: list[FeatureView] = []
    derived: list[Derived] = []
    proxies: dict[str, str] = {}
    files: list[str] = []
    derived_in: list[str] = []
    for module in modules:
        name = module.__name__.rpartition(".")[2]
        view: FeatureView | None = getattr(module, "VIEW", None)
        more: tuple[Derived, ...] = getattr(module, "DERIVED", ())
        if view is None and not more:
            raise DefinitionError(expected_got("VIEW or DERIVED", "neither", module.__name__))
        rationale = getattr(module, "RATIONALE", "") if view is None else view.rationale
        if not rationale:
            raise DefinitionError(expected_got("RATIONALE beside DERIVED", "none", module.__name__))
        owner = getattr(module, "OWNER", OWNER) if view is None else view.owner
        if view is not None:
            views.append(replace(view, name=name, group=view.group or name))
        derived += [replace(each, owner=owner, rationale=rationale) for each in more]
        proxies |= getattr(module, "PROXIES", {})
        files.append(name)
        derived_in += [name] * len(more)
    return Available(tuple(views), tuple(derived), proxies, tuple(files), tuple(derived_in))


def described(product: str, currency: str = "base currency") -> tuple[Feature, ...]:
    """Every feature of a product in the order of a computed row, those that are off too.

    Examples
    --------
    >>> [feature.unit for feature in described("payment") if feature.name in ("amount", "card_count_1h")]
    ['base currency', 'events']
    """
    kind, available = SUBJECTS[product], discover(product)
    own = [(column, own_type(kind, column, {})) for column in DEFAULT_OWN[kind]]
    own.sort(key=lambda each: each[1] is ColumnType.CATEGORY)
    names = {column for column, _ in own} | {name for view in available.views for name in view.feature_names()}
    kept = _computable(available.derived, names)
    found = describe(kind, own, _OWN_GROUPS[product], available.views, kept, currency, available.proxies)
    return tuple(found.values())


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
