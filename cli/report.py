"""``assay report``: the page a reviewer reads, of one version or of two side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.session import Session, session_of

if TYPE_CHECKING:
    from cli.screen import Bar
    from scoring.pages.page import Page
    from scoring.pages.words import Lang
    from training.report.evidence import Evidence
    from training.report.settings import ReportSettings
    from training.tracking import Tracker


def report(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL[@VERSION]]", help="fraud, credit@champion, fraud@3.")
    ] = None,
    compare: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Two versions side by side instead of one.")
    ] = None,
    lang: Annotated[Literal["zh", "en", "both"], typer.Option(help="Language of the page.")] = "both",
    to: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the files go; reports/MODEL-VERSION in the home.")
    ] = None,
    light: Annotated[
        bool, typer.Option("--light", metavar="", help="Fewer resamples and samples of rows: seconds, not a minute.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print report.json.")] = False,
) -> None:
    """Write a model's report: one file that opens offline, in Chinese and English, and the same numbers as JSON.

    It is made from what the training run kept, with the review as it stands now, and laid beside the bundle in MLflow.
    The challenger is meant unless a version is named. Limits and their sources: configs/report.yaml.

      assay report fraud
      assay report credit@champion --lang zh --out review
      assay report --compare fraud@1 fraud@2
    """
    import os
    import tempfile

    from cli.screen import print_json, progress, say
    from domain.errors import InputError, expected_got
    from scoring.pages.words import LANGS
    from training.report.assemble import report_settings
    from training.report.files import as_json as whole
    from training.report.files import keep, write_report
    from training.review_log import subject_of
    from training.tracking import Tracker

    session = session_of(context)
    if (model is None) == (compare is None):
        raise InputError(expected_got("a model, or --compare with two", model or "neither", "report"))
    settings = report_settings(session.configs, light=light)
    tracker = Tracker.open(session.home, os.environ)
    langs: tuple[Lang, ...] = LANGS if lang == "both" else (lang,)
    with tempfile.TemporaryDirectory(prefix="assay-report-") as scratch:
        if compare is not None:
            page = compared(session, tracker, compare, settings, Path(scratch))
            name = "-".join(each.replace("@", "-") for each in compare)
        else:
            subject = subject_of(tracker, *named(str(model)))
            name = f"{subject.name}-{subject.version}"
            with progress(f"report {name}") as bar:
                asked = f"{subject.name}@{subject.version}"
                _, page = page_of(session, tracker, asked, settings, bar, Path(scratch))
        files = write_report(page, to or session.home.reports / name, langs)
        if compare is None:
            keep(tracker, subject.name, subject.version, files)
        if as_json:
            print_json(whole(page))
            return
    for path in files:
        say(str(path))
    say(f"worst status: {page.status.value}")


def named(model: str) -> tuple[str, str]:
    """Name and version or alias of ``MODEL[@VERSION]``; the challenger where none is named.

    Examples
    --------
    >>> named("fraud@3"), named("credit")
    (('fraud', '3'), ('credit', 'challenger'))
    """
    from training.tracking import CHALLENGER

    name, _, which = model.partition("@")
    return name, which or CHALLENGER


def page_of(
    session: Session, tracker: Tracker, model: str, settings: ReportSettings, bar: Bar, scratch: Path
) -> tuple[Evidence, Page]:
    """A version's report with its review as it stands now, and what it was made from.

    Parameters
    ----------
    scratch : folder for the run's artifacts; it must last until the page is written, for pictures are drawn then.
    """
    import os

    from domain.time import system_clock
    from training.report.assemble import assemble
    from training.report.files import evidence_of
    from training.review_log import ReviewLog, subject_of

    name, which = named(model)
    log = ReviewLog.open(session.home, os.environ, system_clock) if session.home.reviews.is_file() else None
    review = None if log is None else log.of(subject_of(tracker, name, which))
    evidence = evidence_of(tracker, name, which, scratch)
    return evidence, assemble(evidence, settings, reviews=review, now=system_clock(), progress=bar.stages)


def compared(
    session: Session, tracker: Tracker, models: tuple[str, str], settings: ReportSettings, scratch: Path
) -> Page:
    """Two versions side by side."""
    from cli.screen import progress
    from training.report.versions import side_by_side
    from training.review_log import subject_of

    for model in models:  # a slip in the second is told before the first is worked on
        subject_of(tracker, *named(model))
    with progress("report --compare") as bar:
        first, second = (page_of(session, tracker, model, settings, bar, scratch) for model in models)
    return side_by_side(first, second, settings)
