"""A page with every kind of block, and words for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from scoring.pages.font import MESSAGES
from scoring.pages.page import Facts, Finding, Page, Picture, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Limit, Statistic, Status, not_assessed
from scoring.pages.words import Catalogue, Tongue, say

WORDS = {
    "t.kind": {"zh": "模型报告", "en": "Model report"},
    "t.title": {"zh": "区分能力", "en": "Discrimination"},
    "t.auc": {"zh": "曲线下面积（AUC）", "en": "Area under the curve (AUC)"},
    "t.why": {"zh": "只有 {n} 个正例，不足以评估。", "en": "Only {n} events: too few to assess."},
    "t.prose": {
        "zh": "分数越高，风险越大；<b>数值</b>越接近 1 越好。",
        "en": "Higher scores mean more risk; <b>nearer 1</b> is better.",
    },
    "t.finding": {"zh": "特征 {name} 在测试期明显漂移。", "en": "Feature {name} moved in the test period."},
    "t.x": {"zh": "预测概率", "en": "predicted probability"},
    "t.y": {"zh": "实际比例", "en": "observed rate"},
    "t.about": {"zh": "实线为模型，虚线为理想。", "en": "Solid: the model. Dashed: ideal."},
    "t.month": {"zh": "月份", "en": "month"},
}


def words() -> Catalogue:
    """The messages of every page with those of the sample."""
    read = Catalogue.read(MESSAGES)
    return Catalogue({**{key: read.message(key) for key in read.keys}, **WORDS})


def draw(tongue: Tongue) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.0))
    axes = figure.subplots()
    x = np.linspace(0, 1, 30)
    axes.plot(x, x**1.2)
    axes.plot(x, x, "--")
    axes.scatter(x, x, s=4, rasterized=True)
    axes.set(xlabel=tongue(say("t.x")), ylabel=tongue(say("t.y")))
    return figure


def sample(n_rows: int = 5) -> Page:
    """A page with every kind of block."""
    least = Limit(least=0.7, source="ours")
    auc = Statistic("auc", say("t.auc"), 0.6812, 0.64, 0.72, n=12_900, n_events=80).held(least)
    table = table_of(
        "months", say("t.month"), [say("t.month"), "AUC", "n"],
        [(f"2026-{1 + i % 12:02d}", 0.7 + i / 1000, 1000 + i) for i in range(n_rows)],
    )  # fmt: skip
    judged = Table("judged", "judged", ("a",) * 9, (("x" * 40, 1, 2.5, None, 1e-7, 1e6, "y", True, 0),), (Status.RED,))
    blocks = (
        Prose(say("t.prose")), Prose("quiet & small", quiet=True),
        Finding("drift", Status.AMBER, say("t.finding", name="card_count_1d")),
        Statistics((auc, replace(auc, key="good", value=0.8, low=0.75, high=0.85).held(least),
                    not_assessed("few", "KS", say("t.why", n=3), n=10))),
        table, judged, Facts("about", (("hash", "0" * 64), ("rows", 12_900)), "facts"),
        Picture("curve", say("t.title"), say("t.about"), draw, replace(table, key="curve_rows", folded=True)),
        Picture("again", say("t.title"), say("t.about"), draw, replace(table, key="again_rows", folded=True)),
    )  # fmt: skip
    sections = tuple(Section(f"part{i}", say("t.title"), blocks, (say("t.why", n=i),)) for i in range(3))
    return Page(say("t.kind"), "fraud 3", Facts("head", (("bundle", "ab" * 32),)), sections, notice=say("t.about"))
