"""``assay compare``: all families of models on the same folds with the same budget, in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AS_JSON, AS_OF, CONFIG, OVERRIDES, SNAPSHOT
from cli.session import session_of

if TYPE_CHECKING:
    from training.comparison_table import Comparison, Contender
    from training.intervals import Interval

NAMES = {"average_precision": "AP", "auc": "AUC", "ks": "KS", "brier": "Brier"}
"""Figure → its head in the table."""


def compare(
    context: typer.Context,
    config: CONFIG,
    overrides: OVERRIDES = None,
    families: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only these families; all of them otherwise.")
    ] = None,
    snapshot: SNAPSHOT = None,
    as_of: AS_OF = None,
    as_json: AS_JSON = False,
) -> None:
    """Tune and fit every family of models on the same folds; print their figures side by side.

    Each family spends the same trials and seconds. Differences are paired with LightGBM's on the same rows; their
    intervals are resampled over days (loans: rows). Everything is logged to MLflow as one run.

      assay compare fraud
      assay compare credit --families lightgbm,logistic,scorecard
    """
    import os
    import sys

    from cli.screen import progress
    from domain.errors import InputError, expected_got
    from domain.time import format_instant, parse_instant, system_clock
    from features.snapshot import Snapshot
    from training.comparison import compare as run
    from training.families.catalogue import FAMILIES
    from training.settings import read_training_settings
    from training.tracking import Tracker
    from training.tuning_record import log_comparison

    session = session_of(context)
    settings, platform = read_training_settings(session.config(config), overrides), session.platform()
    chosen = FAMILIES if families is None else tuple(name.strip() for name in families.split(","))
    unknown = [name for name in chosen if name not in FAMILIES]
    if unknown:
        raise InputError(expected_got(f"families out of {', '.join(FAMILIES)}", ", ".join(unknown), "--families"))
    until = None if as_of is None else parse_instant(as_of, platform.time_zone)
    rows = None if snapshot is None else Snapshot.load(snapshot)
    tracker, began = Tracker.open(session.home, os.environ), system_clock()
    with session.database() as database, progress(f"compare {settings.name}") as bar:
        found = run(
            settings, platform, session.journal(database), families=chosen, studies=session.home.studies,
            snapshot=rows, as_of=until, label_rules=session.label_rules(), progress=bar.stages,
        )  # fmt: skip
    run_id = log_comparison(tracker, settings, found, actor=session.actor, at=began)
    if as_json:
        sys.stdout.write(found.to_json() + "\n")
        return
    show_comparison(found)
    typer.echo(f"MLflow run {run_id} in {tracker.uri}, begun {format_instant(began)}")


def show_comparison(found: Comparison) -> None:
    """Two tables: how well each ranks, and what it costs."""
    from cli.screen import out, say, table

    first = found.objective
    heads = ["family", NAMES[first], "95 %", f"{NAMES[first]} less LightGBM", "95 %, paired"]
    heads += [NAMES[name] for name in NAMES if name != first] + ["slope", "intercept"]
    rows = [[each.family, *_ranks(each, first)] for each in found.ranked()]
    out().print(table(found.title(), heads, rows, right=[name for name in heads[1:] if "95" not in name]))
    costs = ["family", "trials", "given up", "search s", "fit s", "one row µs", "bytes", "made of", "note"]
    out().print(table("what each costs", costs, [_costs(each) for each in found.ranked()], right=costs[1:7]))
    if found.warning:
        say(found.warning, style="yellow")


def _ranks(each: Contender, first: str) -> list[str]:
    rest = [_figure(each.value(name)) for name in NAMES if name != first]
    line = [_figure(each.value(f"calibration_{name}"), 2) for name in ("slope", "intercept")]
    return [*_pair(each.figures.get(first), ""), *_pair(each.differences.get(first), "+"), *rest, *line]


def _pair(found: tuple[float, Interval] | None, sign: str) -> list[str]:
    if found is None:
        return ["", ""]
    value, interval = found
    return [f"{value:{sign}.4f}", f"{interval.low:{sign}.4f}…{interval.high:{sign}.4f}"]


def _figure(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _costs(each: Contender) -> list[object]:
    made = ", ".join(f"{count:,} {name}" for name, count in each.complexity.items())
    return [
        each.family, each.n_complete + each.n_pruned, each.n_pruned, each.search_seconds, each.fit_seconds,
        each.latency_us, each.n_bytes, made, each.note,
    ]  # fmt: skip
