"""Calibration: do events happen as often as the probabilities say, over all, along the scale, and in every grade."""

from __future__ import annotations

import numpy as np

from domain.bilingual import InBothLanguages
from domain.decision import GRADE_ZH, RiskGrade
from scoring.metrics import brier, calibration_intervals, calibration_line
from scoring.pages.page import Block, Finding, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Limit, Statistic, Status, not_assessed
from scoring.pages.words import Words, say
from training.cutoffs import grade_codes
from training.evaluation import Scored
from training.gates.calibrated import calibration_in_the_large
from training.grade_reliability import GradeLine, grade_lines
from training.intervals import Interval, bootstrap
from training.reliability import Reliability, reliability
from training.report.estimates import at_most_amber, clusters, estimate, n_draws
from training.report.evidence import Evidence
from training.report.plan import Plan
from training.report.sections.calibration_picture import reliability_picture
from training.report.settings import ReportSettings

LEAST_EVENTS = 20
"""Of either class; a slope on fewer is lost in its interval."""

_KEYS = ("observed_over_expected", "shift", "slope", "intercept", "ece", "brier", "brier_skill", "spiegelhalter_z")


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """Figures with intervals, the reliability picture, the parts of the Brier score, and a light for each grade."""
    test = evidence.test.scored()
    n, n_events = len(test.y), int(test.y.sum())
    title = say("calibration.title")
    if min(n_events, n - n_events) < LEAST_EVENTS:
        why = say("calibration.few", n=n, events=n_events, least=LEAST_EVENTS)
        missing = tuple(not_assessed(key, say(f"calibration.{key}"), why, n=n, n_events=n_events) for key in _KEYS)
        return Section("calibration", title, (Statistics(missing),), (why,))
    made = reliability(test.y, test.probability, n_draws=n_draws(settings), seed=evidence.settings.seed)
    kind = say(f"calibration.{evidence.bundle.calibrator.kind}")
    blocks: list[Block] = [
        Prose(say("calibration.intro", kind=kind, n=n, events=n_events)),
        Statistics(_statistics(evidence, settings, test, made)),
        reliability_picture(made),
        _parts(made),
    ]
    for table, lines, statuses in _tables(evidence, settings, test):
        wrong = [line.grade for line, status in zip(lines, statuses, strict=True) if status is Status.RED]
        if wrong:
            words = say("calibration.too_low", grades=", ".join(wrong))
            blocks.append(Finding(f"{table.key}_too_low", Status.RED, words))
        blocks.append(table)
    not_run: tuple[Words, ...] = ()
    if evidence.settings.master_scale is not None and not isinstance(evidence.about["master_scale"], dict):
        not_run = (_no_scale(evidence, evidence.settings.master_scale.least_events),)
    return Section("calibration", title, (*blocks, Prose(say("calibration.how"), quiet=True)), not_run)


def _no_scale(evidence: Evidence, least: int) -> Words:
    """Why there is no master scale, from what it was to be fitted on: the manifest has it in English alone."""
    rows, events = (evidence.about[name]["calibration"] for name in ("rows", "events"))
    return say("calibration.no_scale", least=least, n=rows, events=events)


def _statistics(evidence: Evidence, settings: ReportSettings, test: Scored, made: Reliability) -> tuple[Statistic, ...]:
    y, p = test.y, test.probability
    cluster = clusters(evidence.product, test.day)
    line = calibration_line(y, p)
    slope, intercept = (Interval(*each) for each in calibration_intervals(y, p, line, cluster))
    shift, around = calibration_in_the_large(y, p, cluster)
    whole = _sums(np.ones(len(y)), y, p)
    spread = bootstrap(
        lambda counts: _sums(counts.astype(np.float64), y, p),
        len(y), cluster, n_draws(settings), evidence.settings.seed,
    )  # fmt: skip
    rate = float(y.mean())
    chance, z = made.chance[1] / rate, made.spiegelhalter
    told: dict[str, tuple[float, Interval | None, str, Words]] = {
        "observed_over_expected": (whole["ratio"], spread["ratio"], ".2f", ""),
        "shift": (shift, Interval(*around), "+.2f", say("calibration.shift_note")),
        "slope": (line[0], slope, ".2f", say("calibration.slope_note")),
        "intercept": (line[1], intercept, "+.2f", say("calibration.intercept_note")),
        "ece": (made.calibration_error / rate, None, ".1%", say("calibration.ece_note", error=made.calibration_error,
                mean=made.chance[0], high=made.chance[1], p=made.p_value)),
        "brier": (made.brier, spread["brier"], ".4f", say("calibration.brier_note")),
        "brier_skill": (whole["skill"], spread["skill"], ".1%", say("calibration.skill_note")),
        "spiegelhalter_z": (z[0], None, "+.2f", say("calibration.z_note", p=z[1])),
    }  # fmt: skip
    found = []
    for key in _KEYS:
        value, between, form, note = told[key]
        limit = settings.limit(evidence.product, f"calibration.{key}")
        made_of = estimate(
            key, say(f"calibration.{key}"), value, between, _beside_chance(limit, chance) if key == "ece" else limit,
            why=say("calibration.no_value"), n=len(y), n_events=int(y.sum()), form=form, note=note,
        )  # fmt: skip
        found.append(at_most_amber(made_of) if key == "spiegelhalter_z" else made_of)
    return tuple(found)


def _sums(weight: np.ndarray, y: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """Observed over expected events, the Brier score, and its share saved against saying the prevalence to all."""
    rate, error = float(np.average(y, weights=weight)), brier(y, p, weight)
    constant = rate * (1 - rate)
    return {
        "ratio": rate / float(np.average(p, weights=weight)),
        "brier": error,
        "skill": 1 - error / constant if constant else float("nan"),
    }


def _beside_chance(limit: Limit | None, chance: float) -> Limit | None:
    """The limit, or what right probabilities show once in twenty samples of this size, where that is more."""
    if limit is None or limit.most is None or chance <= limit.most:
        return limit
    chanced = InBothLanguages(zh="此处仅偶然即可达到更大值", en="here chance alone gives more")
    source = limit.source.and_also(chanced) if isinstance(limit.source, InBothLanguages) else limit.source
    return limit.model_copy(update={"most": chance, "source": source})


def _parts(made: Reliability) -> Table:
    names = ("brier", "reliability", "resolution", "uncertainty", "within_bins")
    rows = [(say(f"calibration.{name}"), getattr(made, name), say(f"calibration.{name}_means")) for name in names]
    columns = [say(f"calibration.{name}") for name in ("part", "value", "meaning")]
    return table_of("brier_parts", say("calibration.brier_parts"), columns, rows)


def _tables(
    evidence: Evidence, settings: ReportSettings, test: Scored
) -> list[tuple[Table, tuple[GradeLine, ...], tuple[Status, ...]]]:
    """The four risk grades, and the master scale where there is one."""
    limit = settings.limit(evidence.product, "calibration.grade_ratio")
    y, p = test.y, test.probability
    grades = grade_lines([each.value for each in RiskGrade], grade_codes(p, evidence.bundle.cutoffs), y, p)
    names: dict[str, Words] = {each.value: say(f"calibration.grade_{each.value}") for each in GRADE_ZH}
    found = [_grades("grades", grades, names, limit)]
    scale = evidence.about["master_scale"]
    if isinstance(scale, dict):
        uppers = [float(each["upto"]) for each in scale["grades"]]
        letters = [str(each["grade"]) for each in scale["grades"]]
        lines = grade_lines(letters, np.searchsorted(uppers[:-1], p, side="right"), y, p)
        found.append(_grades("master_scale", lines, dict(zip(letters, letters, strict=True)), limit))
    return found


def _grades(
    key: str, lines: tuple[GradeLine, ...], names: dict[str, Words], limit: Limit | None
) -> tuple[Table, tuple[GradeLine, ...], tuple[Status, ...]]:
    heads = ("grade", "rows", "events", "stated", "observed", "low", "high", "binomial_p", "jeffreys_p", "light")
    columns = [say(f"calibration.{name}") for name in heads]
    rows = [
        (names[line.grade], line.n, line.n_events, line.stated, line.observed, line.low, line.high, line.binomial_p,
         line.jeffreys_p, say(f"calibration.light_{line.light}"))
        for line in lines
    ]  # fmt: skip
    statuses = tuple(_status(line, limit) for line in lines)
    return table_of(key, say(f"calibration.{key}"), columns, rows, statuses=statuses), lines, statuses


def _status(line: GradeLine, limit: Limit | None) -> Status:
    """Red where the light is red and the shortfall surely beyond the limit; in large samples a light is red early."""
    if line.light == "none" or not line.stated or line.observed is None or line.low is None or line.high is None:
        return Status.NOT_ASSESSED
    if line.light == "green":
        return Status.PASS
    stated = line.stated
    ratio = Statistic("ratio", "", line.observed / stated, line.low / stated, line.high / stated).held(limit)
    return Status.RED if line.light == "red" and ratio.status is Status.RED else Status.AMBER


SECTION = Plan(110, "calibration", build)
