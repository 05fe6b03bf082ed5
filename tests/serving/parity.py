"""The exam of the visibility law: vectors and reasons in the ledger against a replay of the journal, bit for bit."""

from __future__ import annotations

import json

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
        known = decided["vector"].is_valid().to_pylist()
        for model in sorted(set(models)):
            if model == "none":
                continue
            bundle = load_bundle(home.bundles / model, score_golden_in_child=False)
            # Without features there is none: who calls says how many there must be.
            rows = [place for place, found in enumerate(models) if found == model and known[place]]
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


def same_reasons(home: Home, product: Product) -> int:
    """Compare the reasons of every decision that owes any with those of its replayed features; returns how many."""
    books = Books.open(home, {}, 10.0)
    try:
        n_reasons = 0
        decided = books.ledger.read(product.value)
        bodies = [json.loads(body) for body in decided["body"].to_pylist()]
        for model in sorted(set(decided["model"].to_pylist()) - {"none"}):
            bundle = load_bundle(home.bundles / model, score_golden_in_child=False)
            rows = [
                place
                for place, body in enumerate(bodies)
                if body["versions"]["model"] == model
                and not body["degraded"]
                and (body["reasons"] or body["action"] != "approve")
            ]
            wanted = decided["seq"].combine_chunks().take(rows)
            offline = build_snapshot(bundle.feature_set, books.journal, bundle.platform, subjects=wanted, threads=1)
            X = bundle.encoder.matrix(offline.table)
            # A snapshot is in the order of seq, decisions in that of the chain.
            place_of = {seq: place for place, seq in enumerate(offline.table["seq"].to_pylist())}
            order = [place_of[seq] for seq in wanted.to_pylist()]
            contributions = bundle.explainer.contributions_many(X, threads=2)
            for row, place in zip(rows, order, strict=True):
                given = [(each["code"], each["zh"], each["en"]) for each in bodies[row]["reasons"]]
                again = bundle.selector.select(contributions[place], X[place])
                assert given == [(each.code, each.zh, each.en) for each in again], bodies[row]["decision_id"]
                n_reasons += len(given)
        return n_reasons
    finally:
        books.close()
