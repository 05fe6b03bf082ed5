"""A whole report: every section of the product in its order, between the decision page and the sign-off."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from domain.errors import DataError, ModelError
from scoring.pages.font import MESSAGES
from scoring.pages.meanings import meaning
from scoring.pages.page import Cell, Facts, Page, Section, Statistics
from scoring.pages.status import not_assessed
from scoring.pages.words import Catalogue, Words, say
from stores.settings_files import load_settings
from training.progress import Progress, silent
from training.report import front
from training.report.dates import business_days
from training.report.evidence import CALIBRATION, TEST, TRAIN, Evidence
from training.report.plan import Plan, plans
from training.report.settings import ReportSettings
from training.review import Review

CONFIG: Final = "report.yaml"


def assemble(
    evidence: Evidence,
    settings: ReportSettings,
    *,
    reviews: Review | None = None,
    now: int | None = None,
    progress: Progress = silent,
) -> Page:
    """The report of one model.

    A section that its data or model does not allow stands in the report all the same, not assessed, with the reason.

    Parameters
    ----------
    reviews : what was said of this bundle; None where no log was read.
    now : µs UTC, for whether the verdict has expired.
    """
    planned = plans(evidence.product)
    made = []
    for done, plan in enumerate(planned):
        progress("report", done, len(planned), plan.key)
        made.append(_built(plan, evidence, settings))
    first = front.decision(evidence, settings, made, reviews, now)
    last = front.limits(evidence, settings, made, reviews)
    about, name = evidence.about, evidence.settings.name
    zone = evidence.bundle.platform.time_zone
    told = say("front.subject", name=name, version=evidence.version)
    subject = say("front.unregistered", name=name) if evidence.version is None else told
    person = say("front.by_at", person=str(about.get("operator", "")), at=str(about.get("started_at", "")))
    facts: tuple[tuple[Words, Cell], ...] = (
        (say("front.product"), say(f"front.{evidence.product.value}")),
        (say("front.bundle"), evidence.bundle.hash),
        (say("front.trained"), person),
        *(
            (say("front.period", part=say(f"front.{part}")), business_days(str(about["periods"][part]), zone))
            for part in (TRAIN, CALIBRATION, TEST)
            if part in about["periods"]
        ),
    )
    warning = str(about.get("split_warning") or "")
    notice = say("front.split_warning", text=meaning(warning)) if warning else ""
    return Page(say("front.kind"), subject, Facts("model", facts), (first, *made, last), notice)


def catalogue() -> Catalogue:
    """The words of the report, in Chinese and English."""
    return Catalogue.read(MESSAGES)


def report_settings(configs: Path, *, light: bool = False) -> ReportSettings:
    """``report.yaml`` of a folder of settings; files that it names lie in the same folder."""
    read = load_settings(configs / CONFIG, ReportSettings)
    changed: dict[str, object] = {"effort": "light"} if light else {}
    if read.monitoring is not None:
        changed["monitoring"] = configs / read.monitoring
    return read.model_copy(update=changed)


def _built(plan: Plan, evidence: Evidence, settings: ReportSettings) -> Section:
    try:
        return plan.build(evidence, settings)
    except (DataError, ModelError) as error:
        why = say("front.broken", why=str(error))
        missing = Statistics((not_assessed("section", say("front.broken_statistic"), why),))
        return Section(plan.key, say("front.section_named", name=plan.key), (missing,), not_run=(why,))
