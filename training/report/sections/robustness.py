"""Robustness: noise, missing and stale features, unseen categories, attackers, extremes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.decision import Product
from scoring.interval import wilson
from scoring.pages.drawing import CALM, FAINT, INK, RISK
from scoring.pages.meanings import group_named
from scoring.pages.page import Block, Cell, Picture, Prose, Section, Statistics, table_of
from scoring.pages.status import Statistic, not_assessed
from scoring.pages.values import column_named
from scoring.pages.words import Tongue, Words, minus, say
from scoring.rederiving import Rederiving
from training.attackers import Evasion, evade, is_chosen
from training.cutoffs import GRADES
from training.intervals import Interval
from training.report.evidence import Evidence, Rows
from training.report.plan import Plan
from training.report.settings import ReportSettings
from training.robustness import Change, draw_sample, earlier_rows, failures, measure_changes, with_noise, without

LEVELS = (0.01, 0.05, 0.1, 0.25)
"""Noise, in interquartile ranges."""

MAIN_LEVEL = 0.1
LEAST_EVENTS = 10

_LOOKS = {"noise": ("o", CALM), "missing": ("s", RISK), "stale": ("^", INK), "unseen": ("D", INK)}


@dataclass(frozen=True)
class _Effort:
    rows: int
    groups: int
    draws: int
    caught: int
    stale: bool


_FULL = _Effort(8_000, 40, 100, 200, True)
_LIGHT = _Effort(2_500, 8, 40, 40, False)


class _Lab:
    """The sample and its scorer, for one report."""

    def __init__(self, evidence: Evidence, settings: ReportSettings) -> None:
        self.evidence, self.settings = evidence, settings
        self.effort = _LIGHT if settings.light else _FULL
        self.rows: Rows = evidence.test
        labelled = np.flatnonzero(self.rows.labelled)
        drawn = draw_sample(self.rows.y[labelled], self.effort.rows, evidence.settings.seed)
        self.place, self.weight = labelled[drawn.place], drawn.weight
        self.X, self.y = self.rows.X[self.place], self.rows.y[self.place]
        self.names = evidence.bundle.encoder.names
        self.categories = evidence.bundle.encoder.categories
        self.shares = _used(evidence)
        self.rederive = Rederiving(evidence.bundle)

    def score(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Raw scores and probabilities."""
        raw = self.evidence.bundle.scorer.raw_many(X, threads=self.evidence.settings.threads)
        return raw, self.evidence.bundle.calibrator.probability(raw)

    def groups(self) -> dict[str, list[int]]:
        """Places of the features of each group that the model uses, the weightiest groups first."""
        found: dict[str, list[int]] = {}
        for place, name in enumerate(self.names):
            found.setdefault(self.evidence.bundle.feature_set.feature(name).group, []).append(place)
        weight = {group: sum(self.shares[self.names[place]] for place in places) for group, places in found.items()}
        used = sorted((group for group in found if weight[group] > 0), key=lambda group: -weight[group])
        return {group: found[group] for group in used[: self.effort.groups]}

    def held(self, statistic: Statistic) -> Statistic:
        """Against its limit."""
        return statistic.held(self.settings.limit(self.evidence.product, f"robustness.{statistic.key}"))


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """The section on robustness."""
    lab, title = _Lab(evidence, settings), say("robustness.title")
    extremes = _extremes(lab)
    if not LEAST_EVENTS <= lab.y.sum() <= len(lab.y) - LEAST_EVENTS:
        why = say("robustness.no_events", least=LEAST_EVENTS)
        missing = not_assessed("robustness", title, why, n=len(lab.y), n_events=int(lab.y.sum()))
        return Section("robustness", title, (Statistics((missing, extremes)),))
    changes = _changes(lab)
    statistics = [lab.held(each) for each in (*_of_changes(lab, changes),)]
    attack_statistics, attack = _attack(lab)
    stale = say("robustness.stale_lot" if lab.rows.card is None else "robustness.stale_card")
    blocks: list[Block] = [
        Prose(say("robustness.intro", n=len(lab.y))),
        Statistics((*statistics, *(lab.held(each) for each in attack_statistics), extremes), say("robustness.held")),
        Prose(say("robustness.noise_seen"), quiet=True),
        *([Prose(_followed(lab), quiet=True)] if lab.rederive.pure or lab.rederive.lost else []),
        *([Prose(stale, quiet=True)] if lab.effort.stale else []),
        _picture(changes),
        *attack,
    ]
    return Section("robustness", title, tuple(blocks), (say("robustness.light"),) if settings.light else ())


def _used(evidence: Evidence) -> dict[str, float]:
    """Gain of each feature's splits as a share of all; 0 for what no tree asks."""
    import lightgbm

    names = evidence.bundle.encoder.names
    gain = lightgbm.Booster(model_str=evidence.bundle.scorer.model_text).feature_importance("gain")
    return dict(zip(names, (gain / max(float(gain.sum()), 1e-12)).tolist(), strict=True))


def _changes(lab: _Lab) -> tuple[Change, ...]:
    """Every disturbance, named ``kind`` or ``kind:what``."""
    seed = lab.evidence.settings.seed
    numeric = [place for place, name in enumerate(lab.names) if name not in lab.categories]
    reference = lab.evidence.calibration.X
    reference = reference if len(reference) else lab.X
    made = {f"noise:{level:g}": with_noise(lab.X, reference, numeric, level, seed) for level in LEVELS}
    groups = lab.groups()
    for group, places in groups.items():
        # What was derived from the missing is derived from nothing; what was derived into the group is missing too.
        made[f"missing:{group}"] = without(lab.rederive(without(lab.X, places), lab.X), places)
    if lab.effort.stale:
        old = lab.rows.X[earlier_rows(lab.rows.card, len(lab.rows.y), seed)[lab.place]]
        entries = [lab.evidence.bundle.feature_set.feature(name) for name in lab.names]
        # What the request brings along, its clock too, and what is computed from it, is of the moment.
        fresh = {"event_time", *(each.columns[0] for each in entries if each.form in ("own", "category"))}
        for group, places in groups.items():
            kept = [place for place in places if entries[place].columns[0] not in fresh]
            if kept:
                stale = lab.X.copy()
                stale[:, kept] = old[:, kept]
                made[f"stale:{group}"] = lab.rederive(stale, lab.X)
    coded = [place for place, name in enumerate(lab.names) if name in lab.categories and lab.shares[name] > 0]
    if coded:
        made["unseen:"] = without(lab.X, coded)
        made |= {f"unseen:{lab.names[place]}": without(lab.X, [place]) for place in coded if len(coded) > 1}
    days = lab.rows.day[lab.place] if lab.evidence.product is Product.PAYMENT else None
    return measure_changes(
        lab.y, lab.weight, lab.score(lab.X), {name: lab.score(X) for name, X in made.items()},
        lab.evidence.bundle.cutoffs, cluster=days, n_draws=lab.effort.draws, seed=seed,
    )  # fmt: skip


def _of_changes(lab: _Lab, changes: Sequence[Change]) -> list[Statistic]:
    by_name = {each.name: each for each in changes}
    level = f"{MAIN_LEVEL:g} IQR"
    main = by_name[f"noise:{MAIN_LEVEL:g}"]

    def statistic(key: str, value: float, spread: Interval, note: Words = "", **words: str) -> Statistic:
        return Statistic(
            key, say(f"robustness.{key}", **words), value, spread.low, spread.high, len(lab.y), int(lab.y.sum()),
            note=note, form=".1%" if key.endswith("grades") else ".3f",
        )  # fmt: skip

    found = [
        statistic("noise_auc", main.auc_loss, main.auc_loss_interval, level=level),
        statistic("noise_grades", main.grades, main.grades_interval, level=level),
    ]
    missing = [each for each in changes if each.name.startswith("missing:")]
    if missing:
        worst = min(missing, key=lambda each: each.auc)
        found.append(statistic("missing_auc", worst.auc, worst.auc_interval, _grouped(worst)))
    else:
        found.append(not_assessed("missing_auc", say("robustness.missing_auc"), say("robustness.no_groups")))
    stale = [each for each in changes if each.name.startswith("stale:")]
    if stale:
        worst = max(stale, key=lambda each: each.auc_loss)
        found.append(statistic("stale_auc", worst.auc_loss, worst.auc_loss_interval, _grouped(worst)))
    else:
        why = say("robustness.no_stale" if lab.effort.stale else "robustness.light")
        found.append(not_assessed("stale_auc", say("robustness.stale_auc"), why))
    unseen = by_name.get("unseen:")
    if unseen is not None:
        found.append(statistic("unseen_auc", unseen.auc_loss, unseen.auc_loss_interval))
    else:
        found.append(not_assessed("unseen_auc", say("robustness.unseen_auc"), say("robustness.no_unseen")))
    return found


def _followed(lab: _Lab) -> Words:
    pure, lost = lab.rederive.pure, lab.rederive.lost
    if not lost:
        return say("robustness.followed", n=len(pure))
    return say("robustness.followed_but", n=len(pure), n_lost=len(lost), lost=", ".join(lost))


def _grouped(change: Change) -> Words:
    return say("robustness.in_group", group=group_named(change.name.partition(":")[2]))


def _extremes(lab: _Lab) -> Statistic:
    """A few rows with every feature at its extremes; counted, not estimated."""
    n_failed, n = failures(lab.X[np.linspace(0, len(lab.X) - 1, 3).astype(int)], lab.score) if len(lab.X) else (0, 0)
    name, note = say("robustness.extremes"), say("robustness.n_tried", n=n)
    return lab.held(Statistic("extremes", name, float(n_failed), n=n, note=note, form=".0f"))


def _attack(lab: _Lab) -> tuple[list[Statistic], list[Block]]:
    """Evasion by the features that whoever asks can choose, at the strictest cut-off that enough events reach."""
    product = lab.evidence.product.value
    entries = {name: lab.evidence.bundle.feature_set.feature(name) for name in lab.names}
    # What is derived from the chosen follows it, and is nobody's to choose by itself.
    following = set(lab.rederive.pure)
    reached = {name for name in lab.names if lab.shares[name] > 0} | lab.rederive.read_by(
        name for name in following if lab.shares[name] > 0
    )
    chosen = [name for name in lab.names if name in reached - following and is_chosen(entries[name], product)]
    chosen.sort(key=lambda name: -lab.shares[name])
    names = {key: say(f"robustness.{key}") for key in ("evasion", "evasion_single")}
    _, probability = lab.score(lab.X)
    caught = np.zeros(0, np.int64)
    grade = GRADES[-1]
    for grade in reversed(GRADES):
        caught = np.flatnonzero((lab.y == 1) & (probability >= lab.evidence.bundle.cutoffs[grade]))
        if len(caught) >= LEAST_EVENTS:
            break
    if not chosen or len(caught) < LEAST_EVENTS:
        why = say("robustness.no_chosen") if not chosen else say("robustness.no_caught", least=LEAST_EVENTS)
        return [not_assessed(key, name, why, n=len(caught)) for key, name in names.items()], []
    rng = np.random.default_rng(lab.evidence.settings.seed)
    caught = np.sort(rng.permutation(caught)[: lab.effort.caught])
    genuine = lab.X[lab.y == 0]
    made = evade(
        lab.X[caught],
        genuine,
        lab.score,
        lab.evidence.bundle.cutoffs[grade],
        lab.names,
        chosen,
        list(lab.categories),
        lab.rederive,
    )
    top = max(made.alone, key=lambda name: made.alone[name])
    statistics = [
        _freed("evasion", names["evasion"], made.n_free, made.n),
        _freed("evasion_single", names["evasion_single"], made.alone[top], made.n, top),
    ]
    rows = [
        (name, group_named(entries[name].group), made.alone[name], made.alone[name] / made.n) for name in _ordered(made)
    ]
    columns = [say(f"robustness.{each}") for each in ("feature", "group", "freed", "share")]
    told = Prose(say("robustness.attack_seen", grade=say(f"robustness.grade_{grade}"), fall=made.fall))
    return statistics, [told, table_of("attack", say("robustness.attack"), columns, rows)]


def _freed(key: str, name: Words, n_free: int, n: int, note: Words = "") -> Statistic:
    low, high = wilson(n_free, n, 0.95)
    return Statistic(key, name, n_free / n, low, high, n, n, note=note, form=".1%")


def _ordered(made: Evasion, most: int = 15) -> list[str]:
    return sorted(made.alone, key=lambda name: (-made.alone[name], name))[:most]


def _picture(changes: Sequence[Change]) -> Picture:
    columns = ("kind", "what", "auc", "auc_loss", "interval", "ap_loss", "interval", "correlation", "grades")
    rows: list[tuple[Cell, ...]] = [
        (
            *_named(each), each.auc, each.auc_loss, _written(each.auc_loss_interval), each.ap_loss,
            _written(each.ap_loss_interval), each.rank_correlation, each.grades,
        )
        for each in changes
    ]  # fmt: skip
    table = table_of("changes", say("robustness.changes"), [say(f"robustness.{each}") for each in columns], rows,
                     folded=True)  # fmt: skip
    return Picture(
        "changes", say("robustness.picture"), say("robustness.picture_seen"), lambda tongue: _draw(tongue, changes),
        table,
    )  # fmt: skip


def _named(change: Change) -> tuple[Words, Words]:
    kind, _, what = change.name.partition(":")
    if kind == "noise":
        return say("robustness.noise"), f"{what} IQR"
    named: Words = group_named(what) if kind in ("missing", "stale") else column_named(what, coded=False)
    return say(f"robustness.{kind}"), named if what else say("robustness.all_features")


def _written(interval: Interval) -> str:
    return minus(f"{interval.low:.3f} – {interval.high:.3f}")


def _draw(tongue: Tongue, changes: Sequence[Change]) -> Any:
    """A mark and a bar for each disturbance."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 0.8 + 0.16 * len(changes)), layout="constrained")
    axes = figure.subplots()
    for place, each in enumerate(changes):
        mark, colour = _LOOKS[each.name.partition(":")[0]]
        low, high = each.auc_loss_interval.low, each.auc_loss_interval.high
        axes.plot([low, high], [place] * 2, color=colour, linewidth=1, linestyle="-")
        axes.plot(each.auc_loss, place, mark, color=colour, markersize=4)
    axes.axvline(0, color=FAINT, linewidth=1, zorder=0)
    names = [tongue(say("robustness.line", kind=kind, what=what)) for kind, what in map(_named, changes)]
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set(xlabel=tongue(say("robustness.auc_loss")), ylim=(len(names) - 0.5, -0.5))
    return figure


SECTION = Plan(190, "robustness", build)
