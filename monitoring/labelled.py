"""Decisions with the labels that are known at the end of a look, mature ones only; held outcomes are left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.decision import Product
from domain.errors import ModelError, expected_got
from domain.labels import LABEL_POLICIES, LabelPolicy
from domain.time import parse_duration
from monitoring.customers import of_customers
from monitoring.oversight.look import Look
from monitoring.seen import seen
from monitoring.traffic import Traffic, of_ledger
from scoring.bundle import Bundle
from scoring.label_intake import LabelIntake, hold
from scoring.labels import NEGATIVE, POSITIVE, join_outcomes, settle
from stores.label_rulings import LabelRulings
from stores.settings_files import load_settings

_KIND = {Product.PAYMENT: "transaction", Product.LOAN: "application"}
_FACTS = {Product.PAYMENT: ("channel", "region", "amount"), Product.LOAN: ("channel", "region", "product", "amount")}


def labelled(look: Look, product: Product, bundle: Bundle) -> Traffic:
    """Decisions of the look's period by a bundle, with facts of their events and ``y``.

    ``y`` is NaN where the label is not mature, says nothing, or the row is censored. Maturity and label policy are
    those that the bundle was trained with.

    Raises
    ------
    ModelError
        When the bundle does not say them.
    """
    what = ("labelled", product, bundle.hash, look.since, look.until)
    return look.once(what, lambda: _labelled(look, product, bundle))


def _labelled(look: Look, product: Product, bundle: Bundle) -> Traffic:
    names, categorical = bundle.encoder.names, tuple(bundle.encoder.categories)
    decisions = look.ledger.read(product.value, since=look.since, until=look.until)
    rows = of_ledger(decisions, names, categorical, bundle.hash)
    wanted = ["seq", "client", "event_id", "event_time", "known_at", *_FACTS[product]]
    events = look.journal.read(_KIND[product], columns=wanted).to_pandas()
    facts = rows.frame.merge(events, on="seq", how="left", suffixes=("", "_event"))
    policy, maturity = terms_of(bundle.manifest.about)
    y = np.full(len(facts), np.nan)
    if len(facts):
        subjects = pa.Table.from_pandas(facts[["client", "event_id", "event_time"]], preserve_index=False)
        told = join_outcomes(subjects, _outcomes(look, policy), policy)
        status = settle(facts["event_time"].to_numpy(), told, policy, maturity, look.until - 1)
        y = np.select([status == POSITIVE, status == NEGATIVE], [1.0, 0.0], np.nan)
    late = (facts["known_at"] - facts["event_time"]) > look.platform.max_lateness
    columns = {name: facts[name] for name in _FACTS[product]}
    frame = rows.frame.assign(**columns, y=y, late=late.to_numpy())
    made = Traffic(_plain(frame), rows.vectors, rows.read, rows.names, rows.categorical)
    return of_customers(made, look.journal, product)


def terms_of(about: Any) -> tuple[LabelPolicy, int]:
    """Label policy and maturity (µs) that a bundle was trained with.

    Raises
    ------
    ModelError
        When its manifest does not say, or names a policy of another version of the code.
    """
    try:
        return LABEL_POLICIES[str(about["label_policy"])], parse_duration(str(about["maturity"]))
    except KeyError as error:
        wanted = "label_policy and maturity in the bundle's manifest"
        raise ModelError(expected_got(wanted, f"none for {error}", "bundle")) from error


def _outcomes(look: Look, policy: LabelPolicy) -> pa.Table:
    outcomes = seen(look.journal, "outcome", look.until)
    path = look.configs / "labels.yaml"
    if not path.is_file():
        return outcomes
    rules = load_settings(path, LabelIntake)
    return hold(outcomes, policy, rules, rulings=LabelRulings(look.database).newest()).without(outcomes)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Text as objects: absent is None, whatever Arrow made of it."""
    return frame.assign(
        **{name: frame[name].astype(object) for name in ("channel", "region", "product") if name in frame}
    )
