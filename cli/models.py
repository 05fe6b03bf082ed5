"""``assay models``: what is registered, and what serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    from training.registry import ModelVersion
    from training.tracking import Tracker


def models(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="fraud or credit; all of them by default.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """List registered versions: alias, figure, who trained, reviewed and approved, gates, and which one serves.

    assay models
    assay models fraud --json
    """
    from dataclasses import asdict

    from cli.screen import out, print_json, say, table

    session = session_of(context)
    versions = registered(session, name)
    serving = deployed(session)
    if as_json:
        records = [{**asdict(version), "serving": version.bundle in serving} for version in versions]
        print_json([{k: None if v != v else v for k, v in record.items()} for record in records])
        return
    rows = [
        [
            v.name, v.version, ", ".join(v.aliases), v.bundle in serving, figure_of(v), v.operator,
            f"{v.review} until {v.review_expires_at[:10]}" if v.review_expires_at else v.review, v.approver, v.gates,
            v.intake, v.bundle[:12], v.created_at[:10],
        ]
        for v in versions
    ]  # fmt: skip
    columns = ["model", "version", "alias", "serving", "figure", "trained by", "review", "approved by", "gates",
               "intake", "bundle", "made"]  # fmt: skip
    out().print(table(f"{len(rows)} versions", columns, rows, right=["version"]))
    if not rows:
        say("train one first: assay train fraud")


def figure_of(version: ModelVersion) -> str:
    """Metric, value and interval as a cell."""
    import math

    from cli.screen import between, shown

    interval = "" if math.isnan(version.low) else f" ({between(version.low, version.high)})"
    return f"{version.metric} {shown(version.value)}{interval}"


def registered(session: Session, name: str | None) -> list[ModelVersion]:
    """Versions of one model, or of all, newest first."""
    import os

    from domain.time import system_clock
    from training.registry import models as versions_of
    from training.review_log import ReviewLog
    from training.tracking import Tracker

    tracker = Tracker.open(session.home, os.environ)
    reviews = ReviewLog.open(session.home, os.environ, system_clock) if session.home.reviews.is_file() else None
    names = [name] if name is not None else _names(tracker)
    return [version for each in names for version in versions_of(tracker, each, reviews).versions]


def deployed(session: Session) -> set[str]:
    """Hashes of the bundles that the pointers of the home name."""
    from domain.decision import Product
    from stores.bundles import pointed

    return {digest for product in Product if (digest := pointed(session.home.pointers, product.value)) is not None}


def _names(tracker: Tracker) -> list[str]:
    prefix = "assay-"
    found = [model.name for model in tracker.client.search_registered_models()]
    return sorted(name.removeprefix(prefix) for name in found if name.startswith(prefix))
