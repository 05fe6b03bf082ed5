"""The graph of funds around a customer as a picture: who paid whom, tokens instead of names."""

from __future__ import annotations

from typing import Any, Final

from domain.money import exponent
from domain.time import from_micros, zone_of
from monitoring.aml.evidence import Evidence
from scoring.pages.drawing import CALM, FAINT, INK, RISK, WIDTH
from scoring.pages.page import Picture, table_of
from scoring.pages.words import Tongue, say

_SHORT: Final = 6
_MOST_NODES: Final = 30


def funds_picture(evidence: Evidence, zone: str) -> Picture:
    """Accounts as points, sums as arrows as thick as they are large; the customer's own accounts in red."""
    scale = 10 ** exponent(evidence.base)
    rows = [
        (each.source[:12], each.target[:12], each.n, each.amount / scale, _at(each.first, zone), _at(each.last, zone))
        for each in evidence.edges
    ]
    names = ("from_account", "to_account", "n", "amount", "first", "last")
    heads = [
        say(f"aml_pack.{name}", base=evidence.base) if name == "amount" else say(f"aml_pack.{name}") for name in names
    ]
    table = table_of("edges", say("aml_pack.edges"), heads, rows, folded=True)
    said = say("aml_pack.graph_said", n=len(rows))
    return Picture("funds", say("aml_pack.graph"), said, lambda tongue: _draw(evidence, tongue), table)


def _draw(evidence: Evidence, tongue: Tongue) -> Any:
    import networkx as nx
    from matplotlib.figure import Figure

    own = set(evidence.own)
    graph = nx.DiGraph()
    for edge in evidence.edges:
        if graph.number_of_nodes() < _MOST_NODES or {edge.source, edge.target} <= set(graph):
            graph.add_edge(edge.source, edge.target, amount=edge.amount)
    place = _places(graph, own)
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.grid(visible=False)
    most = max(amount for _, _, amount in graph.edges(data="amount"))
    for source, target, amount in graph.edges(data="amount"):
        ours = source in own or target in own
        axes.annotate(
            "", xy=place[target], xytext=place[source], zorder=1,
            arrowprops={
                "arrowstyle": "-|>", "color": INK if ours else FAINT, "linewidth": 0.6 + 2.6 * amount / most,
                "shrinkA": 7, "shrinkB": 8, "mutation_scale": 9, "connectionstyle": "arc3,rad=0.12",
            },
        )  # fmt: skip
    for node in graph:
        x, y = place[node]
        mine = node in own
        axes.plot(
            x, y, marker="s" if mine else "o", markersize=11 if mine else 7, color=RISK if mine else CALM, zorder=2
        )
        axes.text(x, y - 0.085, node[:_SHORT], ha="center", va="top", fontsize=6.5, color=INK, zorder=3)
    for marker, color, name in (("s", RISK, "legend_own"), ("o", CALM, "legend_other")):
        axes.plot([], [], marker=marker, color=color, linestyle="none", label=tongue(say(f"aml_pack.{name}")))
    figure.legend(loc="outside lower center", ncols=2, fontsize=7)
    axes.margins(0.12)
    return figure


def _places(graph: Any, own: set[str]) -> dict[str, tuple[float, float]]:
    """Payers at the left, the customer in the middle, payees at the right; who is both stands below."""
    columns: dict[float, list[str]] = {}
    for node in sorted(graph):
        pays = any(target in own for target in graph.successors(node))
        paid = any(source in own for source in graph.predecessors(node))
        if node in own:
            x = 0.0
        elif pays and paid:
            x = 0.35
        elif pays:
            x = -1.0
        elif paid:
            x = 1.0
        else:
            x = -0.45
        columns.setdefault(x, []).append(node)
    place = {}
    for x, nodes in columns.items():
        for number, node in enumerate(nodes):
            y = 1.0 - 2.0 * (number + 0.5) / len(nodes) if len(nodes) > 1 else (-0.75 if x == 0.35 else 0.0)
            # Every second one a little aside, so that names of a full column do not touch.
            place[node] = (x + (0.16 if number % 2 and len(nodes) > 6 else 0.0), y)
    return place


def _at(micros: int, zone: str) -> str:
    return f"{from_micros(micros).astimezone(zone_of(zone)):%Y-%m-%d %H:%M}"
