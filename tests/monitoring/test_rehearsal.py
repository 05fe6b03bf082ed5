"""A rehearsed month is decided as the service would have decided it, once."""

from __future__ import annotations

import pyarrow.compute as pc
import pytest

from domain.decision import Product
from monitoring.oversight.pages.decisions import build
from scoring.replay import Replayer
from tests.monitoring.month import Month, month


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Month:
    return month(tmp_path_factory.mktemp("month"), n_customers=300)


def test_every_request_of_the_month_is_decided_once_and_when_it_arrived(made: Month) -> None:
    look = made.look()
    for product in Product:
        decisions = look.ledger.read(product.value)
        assert decisions.num_rows == made.decided[product].n > 0
        assert made.decided[product].n_refused == 0
        assert pc.min(decisions["decided_at"]).as_py() >= made.since
        assert pc.max(decisions["decided_at"]).as_py() < made.until
    assert not look.ledger.verify()
    look.database.close()


def test_a_rehearsed_decision_replays_bit_for_bit(made: Month) -> None:
    look = made.look()
    replayer = Replayer(look.ledger, look.journal, look.home.bundles)
    for product in Product:
        for decision_id in look.ledger.read(product.value)["decision_id"].to_pylist()[::97]:
            same, _, _ = replayer.replay(decision_id)
            assert same
    look.database.close()


def test_the_page_of_decisions_counts_them(made: Month) -> None:
    look = made.look()
    payment, loan = build(look)
    for section, product in ((payment, Product.PAYMENT), (loan, Product.LOAN)):
        (table,) = section.blocks
        assert sum(row[1] for row in table.rows) == made.decided[product].n  # type: ignore[union-attr]
    look.database.close()
