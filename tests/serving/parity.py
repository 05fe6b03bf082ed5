"""The exam of the visibility law: vectors in the ledger against a replay of the journal, bit for bit."""

from __future__ import annotations

import numpy as np

from domain.decision import Product
from features.replay import build_snapshot
from scoring.bundle import load_bundle
from serving.books import Books
from stores.home import Home


def same_vectors(home: Home, product: Product) -> tuple[int, int]:
    """Compare every vector of a product; returns (vectors, non-null values compared)."""
    books = Books.open(home, {}, 10.0)
    try:
        n_vectors = n_values = 0
        decided = books.ledger.read(product.value)
        models = decided["model"].to_pylist()
        for model in sorted(set(models)):
            if model == "none":
                continue
            bundle = load_bundle(home.bundles / model, score_golden_in_child=False)
            rows = [place for place, found in enumerate(models) if found == model]
            mine = decided.take(rows)
            wanted = mine["seq"].combine_chunks()
            offline = build_snapshot(bundle.feature_set, books.journal, bundle.platform, subjects=wanted, threads=1)
            assert offline.table["seq"].to_pylist() == wanted.to_pylist()
            matrix = bundle.encoder.matrix(offline.table)
            for row, vector, seq in zip(matrix, mine["vector"].to_pylist(), wanted.to_pylist(), strict=True):
                online = np.frombuffer(vector, dtype="<f8")
                different = [
                    f"{name}: online {a!r}, offline {b!r}"
                    for name, a, b in zip(bundle.encoder.names, online, row, strict=True)
                    if a.tobytes() != b.tobytes() and not (np.isnan(a) and np.isnan(b))
                ]
                assert not different, f"seq {seq}: {different[:5]}"
                n_vectors += 1
                n_values += int(np.count_nonzero(~np.isnan(row)))
        return n_vectors, n_values
    finally:
        books.close()
