"""What a run of the loop ends in: a table of what was made, a few decisions with their reasons, a picture."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from cli.loop import Answer, Made
from cli.screen import GRADE_STYLES, table
from domain.decision import Product
from domain.money import Money

SVG_WIDTH = 132

Row = tuple[str, Made, float]
"""Stage, what it made, seconds."""


def end_table(rows: Sequence[Row]) -> Table:
    """What was made, where it lies and how long each stage took."""
    cells: list[list[object]] = [[name, made.what, made.where, f"{seconds:.1f} s"] for name, made, seconds in rows]
    cells.append(["all", "", "", f"{sum(seconds for _, _, seconds in rows):.1f} s"])
    return table("the whole loop", ["stage", "made", "where", "took"], cells, right=["took"])


def samples(answers: Sequence[Answer]) -> list[Answer]:
    """A few telling decisions of each product: the riskiest, one in between, the safest."""
    chosen: list[Answer] = []
    for product in Product:
        mine = sorted((a for a in answers if a.product is product), key=lambda a: -(a.decision["score"] or 0.0))
        between = [a for a in mine[1:-1] if a.decision["action"] not in ("approve", mine[0].decision["action"])]
        chosen += [*mine[:1], *between[:1], *mine[-1:]]
    return chosen


def sample_lines(answers: Sequence[Answer]) -> Group:
    """Decisions with their reasons in both languages, a reason a line."""
    lines = [Text("a few decisions", style="bold")]
    for answer in answers:
        decision, asked = answer.decision, answer.asked
        grade = decision["risk_grade"]
        amount = str(Money(asked["amount"], asked["currency"]))
        score = "no score" if decision["score"] is None else f"score {decision['score']:.3g}"
        action = (f"{decision['action']:<8}", "bold")
        graded = (f"{grade} {decision['risk_grade_zh']}", GRADE_STYLES[grade])
        lines.append(Text.assemble(f"\n{answer.product.value:<8}{amount:>16}  ", action, graded, f"  {score}"))
        told = [*decision["rule_reasons"], *decision["reasons"]]
        lines += [Text(f"  · {reason['zh']}  {reason['en']}", style="dim") for reason in told]
    return Group(*lines, "")


def draw(path: Path, rows: Sequence[Row], answers: Sequence[Answer]) -> None:
    """The end table and the sample decisions as one SVG, without a font from elsewhere."""
    console = Console(record=True, width=SVG_WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(end_table(rows))
    console.print(sample_lines(answers))
    drawn = console.export_svg(title="assay demo")
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(drawn.replace("Fira Code", "ui-monospace, Menlo, Consolas"), encoding="utf-8")
