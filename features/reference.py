"""Write docs/features.md from the catalogue: ``python -m features.reference``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from domain.time import format_duration
from features.catalogue import SUBJECTS, described, discover
from features.describing import Feature
from features.view import Ring, Tiled

PAGE = Path(__file__).resolve().parents[1] / "docs" / "features.md"
_SIGNS = {1: "+", -1: "−", None: ""}
_TITLES = {"payment": "Payments", "loan": "Loan applications"}


def page() -> str:
    """The whole catalogue as Markdown."""
    lines = [
        "# Features",
        "",
        "Written by `python -m features.reference`; a test keeps it equal to the definitions under",
        "`features/definitions/`. `assay features list CONFIG` prints those a config chooses; `features.lock` holds",
        "the hash of each meaning; [ablation.md](ablation.md) shows what each group earns, and",
        "[add-a-feature.md](add-a-feature.md) how to add one.",
        "",
        "**Sign**: + where more should mean more risk, − where less should. **Missing**: what a feature is where there",
        "is nothing to count; an aggregate is missing, whatever its rule, when the request does not name the entity.",
        "**Stands for**: the protected attribute a feature may stand for. Protected columns themselves (age, sex,",
        "marital status) never become features: the catalogue refuses them.",
        "",
    ]
    for product in SUBJECTS:
        lines += _product(product)
    return "\n".join(lines).rstrip() + "\n"


def _product(product: str) -> Iterator[str]:
    features = described(product)
    n_on = sum(feature.on for feature in features)
    off = len(features) - n_on
    yield f"## {_TITLES[product]}"
    yield ""
    yield f"{n_on} features{f', and {off} that are off unless their view is asked for by name' if off else ''}."
    yield ""
    groups = dict.fromkeys(feature.group for feature in features)
    yield "| group | features | source |"
    yield "|---|---|---|"
    for group in groups:
        mine = [feature for feature in features if feature.group == group]
        sources = dict.fromkeys(source for feature in mine for source in feature.source)
        shut = "" if all(feature.on for feature in mine) else ", off"
        yield f"| {group} | {len(mine)}{shut} | {', '.join(sources)} |"
    yield ""
    views = {view.name: view for view in discover(product).views}
    # Own columns first, then file by file, as they are declared.
    for title, members in groupby(_in_files(product, features), key=lambda each: each[0]):
        mine = [feature for _, feature in members]
        view = views.get(title)
        kept = "" if view is None else f" {view.source} events by {view.entity}, {_retained(view.retain)}."
        yield f"### {title}{'' if all(feature.on for feature in mine) else ' (off)'}"
        yield ""
        rationales = dict.fromkeys(feature.rationale for feature in mine)
        if len(rationales) == 1:
            yield f"{mine[0].rationale} Owner: {mine[0].owner}.{kept}"
            yield ""
        yield from _table(mine, why=len(rationales) > 1)


def _in_files(product: str, features: Sequence[Feature]) -> list[tuple[str, Feature]]:
    available = discover(product)
    files = {feature.name: file for feature, file in zip(available.derived, available.derived_in, strict=True)}
    placed = [(feature.view or files.get(feature.name) or "the request itself", feature) for feature in features]
    order = ["the request itself", *available.files]
    return sorted(placed, key=lambda each: order.index(each[0]))


def _retained(retain: Ring | Tiled) -> str:
    return f"tiles of {format_duration(retain.hop)}" if retain.hop else f"ring of {retain.size:,}"


def _table(features: Sequence[Feature], *, why: bool) -> Iterator[str]:
    stands = any(feature.proxy for feature in features)
    heads = ["feature", "unit", "sign", "meaning", "missing", *(["why"] if why else []), *(["stands for"] * stands)]
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for each in features:
        cells = [f"`{each.name}`", each.unit, _SIGNS[each.sign], each.doc, each.missing]
        cells += [each.rationale] * why + [each.proxy] * stands
        yield f"| {' | '.join(cells)} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
