"""``assay intake``: look at a table before anything is learnt from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    from training.intake import Finding, IntakeReport
    from training.progress import Progress

_STYLES = {"red": "bold red", "amber": "yellow", "note": "cyan", "not assessed": "dim", "green": "green"}


def intake(
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="DIR|FILE", help="A CSV or Parquet file, a folder of them, or a snapshot.")
    ],
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="The outcome; needed without --config.")] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="VALUE", help="The target's value that is the event; 1, yes, bad … are known.")
    ] = None,
    time: Annotated[str | None, typer.Option(metavar="COLUMN", help="When the event was.")] = None,
    known_at: Annotated[str | None, typer.Option(metavar="COLUMN", help="When its outcome became known.")] = None,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="An entity whose rows belong together, such as a customer.")
    ] = None,
    split_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="The test begins here; the latest quarter by default.")
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(metavar="CONFIG", help="Audit a snapshot as `train CONFIG` would, with its labels and waivers."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw the figures into an SVG or PNG.")] = None,
    as_json: AS_JSON = False,
) -> None:
    """Look for leaks, duplicates, changed units, odd labels and made-up columns in any table.

    Findings are red, amber, notes or green, each with its limit and what to do next. Exit code 1 on a red finding. Files named train and test in one folder are compared as such; without --time or such files a random quarter stands in for the test.

      assay intake applications.csv --target bad
      assay intake payments.parquet --target fraud --time paid_at --group customer_id --split-at 2026-03-01
    """  # noqa: E501 - a paragraph of the help
    from cli.screen import print_json, progress
    from domain.errors import InputError, expected_got
    from domain.time import from_micros, system_clock
    from training.intake import IntakeSettings, audit, house_limits
    from training.intake.reading import read_intake

    session = session_of(context)
    with progress("intake") as bar:
        if config is None:
            if target is None:
                raise InputError(expected_got("--target COLUMN, or --config for a snapshot", "neither", "assay intake"))
            bar.stages("read", 0, 0, source.name)
            frame, test = read_intake(source)
            report = audit(
                frame, target, positive=positive, time=time, known_at=known_at, group=group, split_at=split_at,
                test=test, settings=IntakeSettings(limits=house_limits(session.configs)),
                today=from_micros(system_clock()).date(), progress=bar.stages,
            )  # fmt: skip
        else:
            report = _of_snapshot(session, source, config, bar.stages)
    if plot is not None:
        report.plot().savefig(plot)
    if as_json:
        print_json(report.as_dict())
    else:
        _show(report)
    if report.worst == "red":
        raise typer.Exit(FINDING)


def _of_snapshot(session: Session, source: Path, config: str, progress: Progress) -> IntakeReport:
    from domain.time import system_clock
    from features.catalogue import load
    from features.snapshot import Snapshot
    from scoring.released import read_outcomes
    from training.dataset import label
    from training.intake import for_training, house_limits
    from training.settings import read_training_settings
    from training.splits import make_split

    settings, platform, rows = read_training_settings(session.config(config)), session.platform(), Snapshot.load(source)
    settings = settings.model_copy(update={"intake": settings.intake.within(house_limits(session.configs))})
    with session.database() as database:
        journal = session.journal(database)
        chosen = load(settings.features, platform, journal.extensions(settings.subject_kind))
        upto = int(rows.manifest["upto_seq"])
        outcomes = read_outcomes(journal, settings.policy, session.label_rules(), upto=upto)
    dataset = label(rows.table, outcomes.table, settings.policy, settings.maturity.clock)
    split = make_split(dataset, settings, platform.time_zone)
    return for_training(settings, dataset, split, chosen, now=system_clock(), progress=progress)


def _show(report: IntakeReport) -> None:
    """Findings that ask for something with their limit and what to do next; what is in order in one line each."""
    from rich.table import Table
    from rich.text import Text

    from cli.screen import out, say

    about = report.about
    say(report.headline())
    for name, words in (("unlabelled", "without a label"), ("without_time", "without a time")):
        if about.get(name):
            say(f"{about[name]:,} rows {words} are left out.", style="yellow")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("", "", "")
    for finding in report.findings:
        grade = finding.counts_as.value
        loud = grade in ("red", "amber", "note")
        text = Text(_sentence(finding))
        for words in _below(finding) if loud else ():
            text.append(f"\n{words}", style="dim")
        grid.add_row(Text(grade, style=_STYLES[grade]), Text(finding.check, style="bold" if loud else ""), text)
    out().print(grid)
    say("")
    say(_verdict(report), style=_STYLES[report.worst])


def _sentence(finding: Finding) -> str:
    named = len(finding.columns) == 1 and finding.columns[0] not in finding.summary
    return f"{finding.columns[0]}: {finding.summary}" if named else finding.summary


def _below(finding: Finding) -> list[str]:
    from domain.bilingual import in_english

    lines = []
    if finding.limit is not None:
        lines.append(f"limit {finding.limit.value:g}: {in_english(finding.limit.source)}")
    if finding.rows:
        lines.append(f"for instance rows {', '.join(f'{row:,}' for row in finding.rows)} (from 0)")
    if finding.waived is not None:
        lines.append(f"red, but waived by {finding.waived.by} until {finding.waived.until}: {finding.waived.reason}")
    if finding.advice:
        lines.append(f"next: {finding.advice}")
    return lines


def _verdict(report: IntakeReport) -> str:
    words = {
        "red": "red: do not learn from this table until the red findings are mended or answered for",
        "amber": "amber: look at the amber findings before a model is used",
        "green": "green: nothing to object to",
    }
    about = report.about
    n, most = about["rows_of_columns"], about["rows_of_models"]
    if about["rows"] <= most:
        return words[report.worst]
    return (
        f"{words[report.worst]}. Single columns were ranked on {n:,} rows, quick models used at most {most:,} of each "
        f"part (seed {about['seed']}); where the target is ranked, events were kept first, which an AUC does not mind"
    )
