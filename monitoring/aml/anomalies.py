"""Fund-flow anomalies: accounts where payments gather, scatter, pass through or come back, most telling first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.money import FxTable
from monitoring.aml.legs import in_currency
from monitoring.aml.settings import FlowSettings
from scoring.flows.cycles import cycles
from scoring.flows.fan import fan_in, fan_out
from scoring.flows.graph import Flows
from scoring.flows.pass_through import pass_through
from scoring.flows.scores import together


@dataclass(frozen=True)
class FlowAnomaly:
    """One account.

    Parameters
    ----------
    customer : None where the account is none of ours.
    n_payers, n_payees : most within a window. passed_share : of what came in, passed on within a window.
    n_cycles : on which it lies, each payment no earlier than the one before. score : mean of its ranks, 0 to 1.
    """

    account: str
    customer: str | None
    n_payers: int
    n_payees: int
    received: float
    passed_share: float
    n_passed: int
    n_cycles: int
    score: float
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """The payments between accounts of a period, and which account stands at which number."""

    flows: Flows
    accounts: tuple[str, ...]
    base: str


def graph_of(legs: pd.DataFrame, fx: FxTable, *, since: int, until: int) -> Graph:
    """Payments that went out in a period from account to account, in units of the base currency."""
    out = legs[(legs["direction"] == "out") & (legs["at"] >= since) & (legs["at"] < until)]
    out = out[out["account"].notna() & out["counterparty"].notna()]
    accounts, codes = np.unique(
        np.concatenate([out["account"].astype(str), out["counterparty"].astype(str)]), return_inverse=True
    )
    n = len(out)
    amount = in_currency(out, fx.base, fx)
    flows = Flows.of(len(accounts), codes[:n].tolist(), codes[n:].tolist(), out["at"].tolist(), amount.tolist())
    return Graph(flows, tuple(map(str, accounts)), fx.base)


def anomalies(legs: pd.DataFrame, graph: Graph, settings: FlowSettings) -> tuple[FlowAnomaly, ...]:
    """Accounts that show a pattern, at most ``shown`` of them."""
    flows = graph.flows
    if not len(flows.source):
        return ()
    payers, payees = fan_in(flows, settings.window), fan_out(flows, settings.window)
    passed = pass_through(flows, settings.window)
    ring = cycles(flows, settings.window, longest=settings.longest, kept=settings.kept).count(flows)
    score = together({"in": payers, "out": payees, "through": passed.score, "cycle": ring})
    least = settings.least_accounts
    owner = owner_of(legs)
    shown: list[FlowAnomaly] = []
    share = passed.share
    for place in np.argsort(-score, kind="stable").tolist():
        account = graph.accounts[place]
        patterns = []
        if payers[place] >= least:
            patterns.append("fan_in")
        if payees[place] >= least:
            patterns.append("fan_out")
        if share[place] >= settings.kept and passed.n_passed[place] >= 2:
            patterns.append("pass_through")
        if ring[place]:
            patterns.append("cycle")
        if patterns and len(shown) < settings.shown:
            facts = (int(payers[place]), int(payees[place]), float(passed.received[place]), float(share[place]))
            rest = (int(passed.n_passed[place]), int(ring[place]), float(score[place]), tuple(patterns))
            shown.append(FlowAnomaly(account, owner.get(account), *facts, *rest))
    return tuple(shown)


def owner_of(legs: pd.DataFrame) -> dict[str, str]:
    """Account → a customer who holds it, as far as it is one of ours."""
    own = legs[legs["account"].notna()][["account", "customer"]].drop_duplicates("account")
    return dict(zip(own["account"].astype(str), own["customer"].astype(str), strict=True))
