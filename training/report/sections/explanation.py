"""What moves the score over all rows, by looks that share no arithmetic, and whether another seed would tell the same.

contributions of two kinds   falls of ranking without a group   effects along features   interactions
"""

from __future__ import annotations

import numpy as np

from domain.decision import Product
from scoring.pages.meanings import group_named, meaning
from scoring.pages.page import Block, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, not_assessed
from scoring.pages.words import Words, say
from training import interventional as kinds
from training.cutoffs import grade_codes
from training.effects import Ale, accumulated_effects, interactions
from training.intervals import interval_of
from training.permutation import Drops, keep_positives, permutation_drops
from training.report import explanation_pictures as pictures
from training.report.evidence import Evidence
from training.report.look import FULL, LIGHT, Look, other_seeds
from training.report.plan import Plan
from training.report.settings import ReportSettings
from training.seeds import Refit, steadiness

_SHOWN = 20
_FEWEST = 5


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """The section."""
    look = Look(evidence, LIGHT if settings.light else FULL)
    left_out: list[Words] = [say("explanation.no_causes")]
    explainer = evidence.bundle.explainer
    grouped_names, group_values = kinds.grouped(look.values, look.names, look.group_of)
    drops = _drops(look, grouped_names)
    fits = _refits(look, left_out)
    path, other = _two_kinds(look)
    compared = kinds.compare(path, other)
    told = [
        _additivity(look), _top_share(look), _agreement(look, group_values, drops),
        Statistic("kinds_agreement", say("explanation.kinds_agreement"), compared.agreement, n=len(path), form=".2f"),
        *_steady(look, fits),
    ]  # fmt: skip
    limits = [each.held(settings.limit(evidence.product, f"explanation.{each.key}")) for each in told]
    engine = say(
        "explanation.engine", method=meaning(explainer.method), units=meaning(explainer.units), engine=explainer.engine
    )
    effects = _effects(look)
    blocks: list[Block] = [
        Prose(say("explanation.intro", n=len(look.test.y), whole=len(evidence.test.y))), Prose(engine, quiet=True),
        Statistics(tuple(limits)),
        pictures.beeswarm(look.values, look.test.X, look.names, look.order[:_SHOWN]),
        pictures.importance(*_importance(look)),
        _groups_table(look, grouped_names, group_values, drops),
        *pictures.effects([(look.names[column], ale) for column, ale in effects]),
    ]  # fmt: skip
    if explainer.fallback:
        blocks.insert(2, Prose(say("explanation.fallback", why=explainer.fallback), quiet=True))
    if look.work.conditional:
        columns = [column for column, _ in effects][: look.work.conditional]
        few = look.test.X[:150]
        blocks += pictures.conditional(look.raw, few, [(look.names[column], column) for column in columns])
    else:
        left_out.append(say("explanation.light_conditional"))
    blocks += _crossed(look, left_out)
    blocks += _kinds_tables(look, path, other)
    return Section("explanation", say("explanation.title"), tuple(blocks), tuple(left_out))


SECTION = Plan(130, "explanation", build)


def _additivity(look: Look) -> Statistic:
    apart = float(np.abs(look.both.sum(axis=1) - look.test.raw).max())
    name = say("explanation.additivity")
    return Statistic(
        "additivity", name, apart, n=len(look.test.y), form=".1e", unit=meaning(look.evidence.bundle.explainer.units)
    )


def _top_share(look: Look) -> Statistic:
    size = np.abs(look.values)
    first = int(look.order[0])
    whole = size.mean(axis=0)
    drawn = look.weights @ size
    span = interval_of(drawn[:, first] / np.maximum(drawn.sum(axis=1), 1e-300))
    value = float(whole[first] / max(float(whole.sum()), 1e-300))
    name = say("explanation.top_share", feature=look.names[first])
    return Statistic("top_share", name, value, span.low, span.high, len(size), form=".1%")


def _importance(look: Look) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Names, mean |φ|, low, high, share and group of the features that move the score most."""
    size, shown = np.abs(look.values), look.order[:_SHOWN]
    mean, drawn = size.mean(axis=0), look.weights @ size
    spans = [interval_of(drawn[:, column]) for column in shown]
    names = [look.names[column] for column in shown]
    share = mean[shown] / max(float(mean.sum()), 1e-300)
    low, high = np.array([span.low for span in spans]), np.array([span.high for span in spans])
    return names, mean[shown], low, high, share, [look.group_of[name] for name in names]


def _drops(look: Look, groups: tuple[str, ...]) -> Drops | None:
    test = look.evidence.test.only(look.evidence.test.labelled)
    if min(int(test.y.sum()), int((test.y == 0).sum())) < _FEWEST:
        return None
    rows, weight = keep_positives(test.y, look.work.permuted, look.seed)
    columns = {group: [k for k, name in enumerate(look.names) if look.group_of[name] == group] for group in groups}
    figure = "average_precision" if look.evidence.product is Product.PAYMENT else "auc"
    return permutation_drops(
        look.raw, test.X[rows], test.y[rows], columns, figure=figure,
        weight=None if len(rows) == len(test.y) else weight, cluster=look.cluster(test.day[rows]),
        n_repeats=look.work.repeats, n_draws=min(look.work.draws, 100), seed=look.seed,
    )  # fmt: skip


def _agreement(look: Look, group_values: np.ndarray, drops: Drops | None) -> Statistic:
    name = say("explanation.permutation_agreement")
    if drops is None:
        return not_assessed("permutation_agreement", name, say("explanation.few", least=_FEWEST))
    if len(drops.names) < 3:
        return not_assessed("permutation_agreement", name, say("explanation.few_groups", n=len(drops.names)))
    size = np.abs(group_values)
    drawn = look.weights @ size
    pairs = zip(drawn, drops.drawn, strict=False)
    span = interval_of(np.array([kinds.spearman(one, other) for one, other in pairs]))
    value = kinds.spearman(size.mean(axis=0), drops.value)
    n_events = int((look.evidence.test.y == 1).sum())
    return Statistic(
        "permutation_agreement", name, value if np.isfinite(value) else None, span.low, span.high,
        int(look.evidence.test.labelled.sum()), n_events, form=".2f",
    )  # fmt: skip


def _groups_table(look: Look, names: tuple[str, ...], values: np.ndarray, drops: Drops | None) -> Table:
    size = np.abs(values)
    mean, drawn = size.mean(axis=0), look.weights @ size
    rows = []
    for k in np.argsort(-mean, kind="stable"):
        span = interval_of(drawn[:, k])
        fall = (None, None, None) if drops is None else (drops.value[k], drops.low[k], drops.high[k])
        numbers = (mean[k], span.low, span.high, mean[k] / max(float(mean.sum()), 1e-300), *fall)
        rows.append((group_named(names[k]), *(None if each is None else float(each) for each in numbers)))
    figure = "AP" if drops is None or drops.figure == "average_precision" else "AUC"
    heads = ("group", "mean_abs", "low", "high", "share", "fall", "low", "high")
    columns = [
        say(f"explanation.{head}", figure=figure) if head == "fall" else say(f"explanation.{head}") for head in heads
    ]
    return table_of("groups", say("explanation.groups"), columns, rows)


def _effects(look: Look) -> list[tuple[int, Ale]]:
    """Of the features that move the score most and have an order."""
    test = look.test
    found: list[tuple[int, Ale]] = []
    for column in look.order.tolist():
        if len(found) == look.work.effects:
            break
        if look.names[column] in look.evidence.bundle.encoder.categories:
            continue
        part = slice(0, look.work.swept)
        cluster = look.cluster(test.day[part])
        made = accumulated_effects(
            look.raw, test.X[part], column, cluster=cluster, n_draws=look.work.draws, seed=look.seed
        )
        if made is not None:
            found.append((column, made))
    return found


def _crossed(look: Look, left_out: list[Words]) -> list[Block]:
    if not look.work.crossed:
        left_out.append(say("explanation.light_interactions"))
        return []
    rows = look.test.X[: look.work.crossing_rows]
    if len(rows) < 2:
        return []
    found = interactions(look.raw, rows, tuple(look.order[: look.work.crossed].tolist()))
    told = sorted(found.items(), key=lambda each: -each[1])
    table = [(look.names[a], look.names[b], value) for (a, b), value in told]
    columns = [say("explanation.feature"), say("explanation.with"), say("explanation.h")]
    return [table_of("interactions", say("explanation.interactions", n=len(rows)), columns, table)]


def _two_kinds(look: Look) -> tuple[np.ndarray, np.ndarray]:
    """Both kinds of contributions of rows drawn evenly from the risk grades, float64[n, m] each."""
    test, work = look.test, look.work
    grades = grade_codes(test.probability, look.evidence.bundle.cutoffs)
    rng = np.random.default_rng(look.seed)
    each = -(-work.paired // len(np.unique(grades)))
    kept = np.concatenate([rng.permutation(np.flatnonzero(grades == grade))[:each] for grade in np.unique(grades)])
    kept = np.sort(kept)
    reference = look.evidence.bundle.reference()
    behind = look.evidence.bundle.encoder.matrix(reference.take(rng.permutation(len(reference))[: work.background]))
    other = kinds.interventional(look.evidence.bundle.scorer.model_text, test.X[kept], behind)
    return look.values[kept], other[:, :-1]


def _kinds_tables(look: Look, path: np.ndarray, other: np.ndarray) -> list[Block]:
    """Where the two kinds differ most, by feature; and the sums of each within the groups of the catalogue."""
    groups, path_sums = kinds.grouped(path, look.names, look.group_of)
    _, other_sums = kinds.grouped(other, look.names, look.group_of)
    found: list[Block] = []
    for key, names, one, two in (("kinds", look.names, path, other), ("kinds_groups", groups, path_sums, other_sums)):
        first, second = np.abs(one).mean(axis=0), np.abs(two).mean(axis=0)
        apart = kinds.compare(one, two).apart
        order = np.argsort(-np.abs(apart), kind="stable")[:10]
        head = "group" if names is groups else "feature"
        told = [group_named(names[k]) if head == "group" else names[k] for k in order]
        numbers = ((float(first[k]), float(second[k]), float(apart[k])) for k in order)
        rows = [(name, *each) for name, each in zip(told, numbers, strict=True)]
        columns = [say(f"explanation.{each}") for each in (head, "path_dependent", "interventional", "apart")]
        title = say(f"explanation.{key}", n=len(path), background=look.work.background)
        found.append(table_of(key, title, columns, rows))
    return found


def _refits(look: Look, left_out: list[Words]) -> tuple[Refit, ...]:
    if not look.work.seeds:
        left_out.append(say("explanation.light_seeds"))
        return ()
    return other_seeds(look.evidence, look.work.seeds, look.work.learnt, look.test.X[:300])


def _steady(look: Look, fits: tuple[Refit, ...]) -> list[Statistic]:
    names = {key: say(f"explanation.{key}") for key in ("seed_spearman", "seed_jaccard")}
    if not fits:
        return [not_assessed(key, name, say("explanation.light_seeds")) for key, name in names.items()]
    found = steadiness([fit.mean_abs for fit in fits])
    worst = {"seed_spearman": float(found.spearman.min()), "seed_jaccard": float(found.jaccard.min())}
    note = say("explanation.seed_note", n=len(fits), pairs=len(found.jaccard))
    n = min(len(look.test.y), 300)
    return [Statistic(key, name, worst[key], n=n, form=".2f", note=note) for key, name in names.items()]
