"""``assay validate``: a report's statuses as an exit code, for a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.session import session_of


def validate(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL[@VERSION]", help="fraud, credit@champion, fraud@3.")],
    waivers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="YAML list of key, reason, by, until: red points somebody answers for."),
    ] = None,
    light: Annotated[
        bool, typer.Option("--light", metavar="", help="Fewer resamples and samples of rows: seconds, not a minute.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print JSON.")] = False,
) -> None:
    """Check a model against the limits of its report; exit code 1 when a red point is not waived.

    A waiver names a point as this command prints it, a reason, a person other than the trainer, and a last day. What
    is not assessed does not stop anything: it is counted and told.

      assay validate fraud
      assay validate credit@champion --waivers waivers.yaml --json
    """
    import os
    import tempfile
    from collections import Counter

    from cli.door import FINDING
    from cli.report import named, page_of
    from cli.screen import out, print_json, progress, say, table
    from domain.time import format_instant, from_micros, system_clock
    from scoring.pages.status import Status
    from training.report.assemble import catalogue, report_settings
    from training.report.judged import points, read_waivers, refuse_own, waive
    from training.review_log import subject_of
    from training.tracking import Tracker

    session = session_of(context)
    told = () if waivers is None else read_waivers(waivers)
    tracker = Tracker.open(session.home, os.environ)
    name, which = named(model)
    subject = subject_of(tracker, name, which)
    refuse_own(told, subject.trainer)
    settings = report_settings(session.configs, light=light)
    with tempfile.TemporaryDirectory(prefix="assay-validate-") as scratch, progress(f"validate {name}") as bar:
        _, page = page_of(session, tracker, f"{name}@{subject.version}", settings, bar, Path(scratch))
    now = system_clock()
    found, idle = waive(points(page), told, from_micros(now).date(), subject.trainer)
    stopping = [point for point in found if point.stops]
    if as_json:
        print_json(
            {
                "model": name, "version": subject.version, "bundle": subject.bundle, "at": format_instant(now),
                "holds": not stopping, "points": [point.as_dict() for point in found], "waivers_not_used": list(idle),
            }
        )  # fmt: skip
    else:
        english = catalogue().tongue("en")
        rows = [
            [point.key, english(point.name), point.value, english(point.threshold), point.status.value,
             "" if point.waiver is None else f"{point.waiver.by} until {point.waiver.until}: {point.waiver.reason}"]
            for point in found
        ]  # fmt: skip
        columns = ["key", "point", "value", "limit", "status", "waived by"]
        out().print(table(f"{name} version {subject.version}", columns, rows, right=["value"]))
        for line in idle:
            say(f"waiver {line}", style="yellow")
        count = Counter(point.status for point in found)
        said = ", ".join(f"{count[status]} {status.value}" for status in reversed(Status))
        say(f"{said}; {len(stopping)} red not waived")
    if stopping:
        raise typer.Exit(FINDING)
