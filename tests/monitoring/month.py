"""A simulated home whose newest month was decided on: for tests of what looks back.

The model learnt from what was known before the month; plants are put into the month.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from data.simulator.load import CLIENT, journal_simulation
from data.simulator.settings import SimulationSettings
from data.simulator.simulate import simulate
from domain.decision import Product
from domain.labels import CREDIT_POLICY, FRAUD_POLICY, Verdict
from domain.time import DAY
from features.catalogue import load as load_features
from features.replay import build_snapshot
from features.settings import FeatureSettings
from monitoring.desk_rehearsal import rehearse_desk
from monitoring.oversight.look import Look
from monitoring.rehearsal import Rehearsed, rehearse
from scoring.bundle import load_bundle, write_bundle
from scoring.lists import Lists
from scoring.policy import POLICY_FILES, load_policy
from scoring.reasons import ReasonBook
from stores.acts import Acts
from stores.bundles import install, point
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.ledger import Ledger
from stores.matter_settings import ComplaintSettings
from stores.settings_files import load_settings
from stores.vault import Vault
from tests.serving.world import CONFIGS, fitted_parts, platform

MONTH = 30 * DAY
DAYS = 100
KEY = bytes(32)
_SUBJECT = {Product.PAYMENT: "transaction", Product.LOAN: "application"}
_CONFIG = {Product.PAYMENT: "fraud", Product.LOAN: "credit"}
_POLICY = {Product.PAYMENT: FRAUD_POLICY, Product.LOAN: CREDIT_POLICY}


@dataclass(frozen=True)
class Month:
    """A home, its month and what was decided in it."""

    home: Home
    since: int
    until: int
    decided: dict[Product, Rehearsed]

    def look(self, since: int | None = None, until: int | None = None) -> Look:
        """A look at the month, or at a part of it; the caller closes its database."""
        database = Database(self.home.database)
        journal, ledger = Journal(database, self.home.segments), Ledger(database, KEY)
        return Look(
            self.home, CONFIGS, platform(), database, journal, ledger,
            self.since if since is None else since, self.until if until is None else until,
        )  # fmt: skip


def month(
    root: Path, *, seed: int = 3, plants: Sequence[str] = (), n_customers: int = 800, labelled: bool = False
) -> Month:
    """Make such a home: about seven seconds of CPU and 12,000 decisions at this size.

    Parameters
    ----------
    labelled : the bundles say by which policy they were labelled, so that their performance is measured.
    """
    settings = SimulationSettings(
        seed=seed, payment_days=DAYS, n_customers=n_customers, n_borrowers=600, loan_months=24, plants=tuple(plants)
    )
    home, world = Home(root), root / "simulation"
    made = simulate(settings)
    made.write(world)
    database = Database(home.database)
    journal, ledger = Journal(database, home.segments), Ledger(database, KEY)
    journal_simulation(world, journal, Vault(database, KEY))
    since, until = made.end - MONTH, made.end
    about = {each: {"label_policy": _POLICY[each].version, "maturity": "14d"} if labelled else {} for each in Product}
    decided = {each: _decide(each, home, journal, ledger, since, until, seed, about[each]) for each in Product}
    rules = load_settings(CONFIGS / "complaints.yaml", ComplaintSettings)
    rehearse_desk(journal, ledger, Acts(database, KEY), rules, until=until)
    database.close()
    shutil.rmtree(world)
    return Month(home, since, until, decided)


def _decide(
    product: Product, home: Home, journal: Journal, ledger: Ledger, since: int, until: int, seed: int,
    about: Mapping[str, str],
) -> Rehearsed:  # fmt: skip
    # As the shipped configs have them.
    shipped = yaml.safe_load((CONFIGS / f"{_CONFIG[product]}.yaml").read_text())
    settings = FeatureSettings.model_validate(shipped["features"])
    features = load_features(settings, platform(), {})
    table = build_snapshot(features, journal, platform()).table
    table = table.filter(pc.less(table["known_at"], since))
    y = _labels(product, table, journal, since)
    told = ~np.isnan(y)
    table, y = table.filter(pa.array(told)), y[told]
    staged = home.root / "staged" / product.value
    parts = fitted_parts(product, table, y, features, settings, seed=seed, rounds=60, shares=(0.95, 0.985, 0.994))
    digest = write_bundle(staged, replace(parts, about={**parts.about, **about}))
    install(staged, home.bundles)
    point(home.pointers, product.value, digest, since)
    bundle = load_bundle(home.bundles / digest, score_golden_in_child=False)
    book = load_settings(CONFIGS / "reasons" / f"{product.value}.yaml", ReasonBook)
    policy = load_policy(CONFIGS / "policy" / POLICY_FILES[product], book, platform(), bundle.encoder.names)
    lists = Lists.load(CONFIGS / "policy" / "lists.yaml")
    return rehearse(
        product, bundle, policy, lists, journal, ledger, platform(), client=CLIENT, since=since, until=until
    )


def _labels(product: Product, table: pa.Table, journal: Journal, known: int) -> np.ndarray:
    """1, 0, or NaN where a label is not known or says nothing; silence is taken for good three weeks on (payments)."""
    policy = _POLICY[product]
    outcomes = journal.read("outcome")
    outcomes = outcomes.filter(pc.less(outcomes["known_at"], known))
    outcomes = outcomes.filter(pc.equal(pc.cast(outcomes["subject_kind"], pa.string()), _SUBJECT[product]))
    said: dict[str, list[tuple[int, int, str]]] = {}
    for row in outcomes.select(["subject_event_id", "known_at", "seq", "code"]).to_pylist():
        said.setdefault(row["subject_event_id"], []).append((row["known_at"], row["seq"], row["code"]))
    mature = known - 21 * DAY
    labels = []
    for event_id, at in zip(table["event_id"].to_pylist(), table["event_time"].to_pylist(), strict=True):
        verdict = policy.settle(said.get(event_id, ())) or policy.silence
        if verdict is Verdict.POSITIVE:
            labels.append(1.0)
        else:
            labels.append(0.0 if verdict is Verdict.NEGATIVE and at < mature else np.nan)
    return np.array(labels)
