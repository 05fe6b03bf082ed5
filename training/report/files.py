"""A report as files: a page in each language and the same numbers as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from domain.errors import ModelError
from scoring.bundle import load_bundle
from scoring.pages.page import Page
from scoring.pages.render import render, to_json
from scoring.pages.words import LANGS, Lang
from training.progress import Progress, silent
from training.report.assemble import assemble, catalogue
from training.report.evidence import Evidence, read_evidence
from training.report.settings import ReportSettings
from training.review_log import subject_of
from training.tracking import Tracker
from training.tuning_record import fetch_comparison

JSON: Final = "report.json"


def page_name(lang: Lang) -> str:
    """File name of a page.

    Examples
    --------
    >>> page_name("zh")
    'report.zh.html'
    """
    return f"report.{lang}.html"


def write_report(page: Page, folder: Path, langs: Sequence[Lang] = LANGS) -> list[Path]:
    """Write a page in some languages, and ``report.json`` with the words of both."""
    words = catalogue()
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for lang in langs:
        made.append(folder / page_name(lang))
        made[-1].write_text(render(page, words, lang), encoding="utf-8")
    made.append(folder / JSON)
    text = json.dumps(as_json(page), ensure_ascii=False, indent=1, allow_nan=False)
    made[-1].write_text(text + "\n", encoding="utf-8")
    return made


def as_json(page: Page) -> dict[str, Any]:
    """``report.json``: the page in English, and its words in Chinese beside it under ``zh``."""
    words = catalogue()
    return {**to_json(page, words, "en"), "zh": to_json(page, words, "zh")}


def report_of_training(folder: Path, bundle: Path, settings: ReportSettings, progress: Progress = silent) -> list[Path]:
    """The report of a model that was just trained, into the folder of its run's artifacts; nobody reviewed it yet."""
    evidence = read_evidence(load_bundle(bundle, score_golden_in_child=False), folder)
    page = assemble(evidence, settings, progress=progress)
    progress("report", 1, 1, "write")
    return write_report(page, folder)


def evidence_of(tracker: Tracker, name: str, which: str | int, scratch: Path) -> Evidence:
    """What the run of a registered version kept, and the newest `assay compare` of the same rows.

    Raises
    ------
    ModelError
        When there is no such version, or its bundle is not the one that was registered.
    DataError
        When the run kept no evidence.
    """
    subject = subject_of(tracker, name, which)
    record = tracker.version(name, subject.version)
    run = str(record.source).rsplit("/", 1)[0]
    folder = tracker.fetch(run, scratch / f"{name}-{subject.version}")
    bundle = load_bundle(folder / str(record.source).rsplit("/", 1)[1], score_golden_in_child=False)
    if bundle.hash != subject.bundle:
        raise ModelError(
            f"{name} version {subject.version}: expected the bundle {subject.bundle[:12]}… that was registered, "
            f"got {bundle.hash[:12]}…"
        )
    # A comparison is a run of its own; only one of the very rows that this model was made and measured on counts.
    fetch_comparison(tracker, name, str(bundle.manifest.about.get("data_hash", "")), folder)
    return read_evidence(bundle, folder, version=subject.version, tags=dict(record.tags))


def keep(tracker: Tracker, name: str, version: str | int, files: Sequence[Path]) -> None:
    """Put a report's files beside the bundle in MLflow."""
    run_id = tracker.version(name, version).run_id
    for path in files:
        tracker.keep(run_id, path)
