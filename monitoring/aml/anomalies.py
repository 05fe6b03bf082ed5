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
    n_cycles : on which it lies, each payment no earlier than the one before.
    rarity : the share of accounts that show its rarest pattern as strongly.
    """

    account: str
    customer: str | None
    n_payers: int
    n_payees: int
    received: float
    passed_share: float
    n_passed: int
    n_cycles: int
    rarity: float
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
    """Accounts that show a pattern as few do, the rarest first, at most ``shown`` of them."""
    flows = graph.flows
    if not len(flows.source):
        return ()
    payers, payees = fan_in(flows, settings.window), fan_out(flows, settings.window)
    passed = pass_through(flows, settings.window)
    ring = cycles(flows, settings.window, longest=settings.longest, kept=settings.kept).count(flows)
    score = together({"in": payers, "out": payees, "through": passed.score, "cycle": ring})
    owner = owner_of(legs)
    strengths = {"fan_in": payers, "fan_out": payees, "pass_through": passed.score, "cycle": ring}
    enough = {
        "fan_in": payers >= settings.least_accounts,
        "fan_out": payees >= settings.least_accounts,
        "pass_through": (passed.share >= settings.kept) & (passed.n_passed >= 2),
        "cycle": ring > 0,
    }
    shares = {name: _at_least_as_strong(strength) for name, strength in strengths.items()}
    shown: dict[int, list[str]] = {}
    for name, share in shares.items():
        for place in np.flatnonzero(enough[name] & (share <= settings.rare)).tolist():
            shown.setdefault(place, []).append(name)
    rarest = {place: min(float(shares[name][place]) for name in names) for place, names in shown.items()}
    order = sorted(shown, key=lambda place: (rarest[place], -score[place], place))[: settings.shown]
    return tuple(
        FlowAnomaly(
            graph.accounts[place], owner.get(graph.accounts[place]), int(payers[place]), int(payees[place]),
            float(passed.received[place]), float(passed.share[place]), int(passed.n_passed[place]), int(ring[place]),
            rarest[place], tuple(shown[place]),
        )
        for place in order
    )  # fmt: skip


def _at_least_as_strong(strength: np.ndarray) -> np.ndarray:
    """Share of accounts that show as much as each one does."""
    ordered = np.sort(strength)
    share: np.ndarray = 1 - np.searchsorted(ordered, strength, side="left") / len(ordered)
    return share


def owner_of(legs: pd.DataFrame) -> dict[str, str]:
    """Account → a customer who holds it, as far as it is one of ours."""
    own = legs[legs["account"].notna()][["account", "customer"]].drop_duplicates("account")
    return dict(zip(own["account"].astype(str), own["customer"].astype(str), strict=True))
