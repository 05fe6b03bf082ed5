"""A journal, a ledger and installed bundles, as a service would leave them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domain.decision import Product
from scoring.bundle import Bundle, load_bundle, write_bundle
from scoring.canonical import canonical_bytes
from scoring.decide import decide
from scoring.lists import Lists
from scoring.policy import Policy
from scoring.replay import replay
from stores.bundles import install
from stores.database import Database
from stores.journal import Journal
from stores.ledger import Entry, Ledger
from tests.scoring.bundles import application, empty_lists, parts, payment, policy, requests

PAYMENT = Product.PAYMENT
KEY = bytes(range(32))
AT = 1_790_000_000_000_000


@dataclass
class Desk:
    """A journal, a ledger and installed bundles, as a service would leave them."""

    folder: Path
    journal: Journal
    ledger: Ledger
    bundles: dict[Product, Bundle]

    def record(
        self,
        product: Product,
        place: int,
        *,
        bundle: bool = True,
        features: bool = True,
        made: Policy | None = None,
        lists: Lists | None = None,
        body: dict[str, Any] | None = None,
        **how: Any,
    ) -> Entry:
        """Decide on one request as serving does and keep it."""
        used = self.bundles[product] if bundle else None
        made = made or policy(product, None if used is None else used.encoder.names)
        lists = lists or empty_lists()
        row = used.encoder.matrix(requests(product))[place] if used is not None and features else None
        number = self.journal.last_seq() + 1
        event = (payment if product is PAYMENT else application)(**(body or {}))
        event = replace(
            event, event_id=f"e{number}", event_time=AT + number, known_at=AT + number, client="shop", seq=0
        )
        with self.journal.database.transaction():
            (appended,) = self.journal.append_within([event])
            event = event.numbered(appended.seq)
            decided = decide(
                product, event, row, used, made, lists, decision_id=f"d{number}", decided_at=AT + number + 7,
                code="0.1.0", **how,
            )  # fmt: skip
            decision = decided.decision
            kept = Entry(
                decision.decision_id, event.seq, product.value, event.client, event.event_id, decision.decided_at,
                decision.versions.model, decision.action.value, decision.risk_grade.value, decided.raw_score,
                decision.score, canonical_bytes(decision), b"{}", None if row is None else row.astype("<f8").tobytes(),
            )  # fmt: skip
            self.ledger.put_artifact_within("policy", made.content)
            self.ledger.put_artifact_within("lists", lists.content)
            self.ledger.append_within([kept])
        return kept

    def replay(self, decision_id: str) -> tuple[bool, bytes, bytes]:
        return replay(decision_id, self.ledger, self.journal, self.folder / "bundles")


def desk_in(folder: Path) -> Desk:
    """A desk with a bundle for each product."""
    loaded = {}
    for product in Product:
        write_bundle(folder / product, parts(product))
        loaded[product] = load_bundle(install(folder / product, folder / "bundles"), score_golden_in_child=False)
    database = Database(folder / "assay.db")
    return Desk(folder, Journal(database, folder / "journal"), Ledger(database, KEY), loaded)
