"""The parity audit over what a real service has written: quiet when nothing was touched, exact when something was."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import features.catalogue
from cli.main import main
from domain.decision import Product
from domain.time import MINUTE, format_instant
from monitoring.parity import audit
from monitoring.parity_report import ParityReport
from scoring.bundle import load_bundle
from serving.books import Books
from stores.home import Home
from tests.serving import world
from tests.serving.decided import N_LOANS, N_PAYMENTS, decided_home
from tests.serving.parity import same_reasons


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return decided_home(tmp_path_factory.mktemp("parity"))


@pytest.fixture
def home(untouched: Home, tmp_path: Path) -> Home:
    """A copy that a test may damage."""
    return Home(Path(shutil.copytree(untouched.root, tmp_path / "home")))


def audited(home: Home, product: str = "payment", **options: Any) -> ParityReport:
    books = Books.open(home, {}, 10.0)
    try:
        return audit(product, books.ledger, books.journal, lambda digest: load_bundle(
            home.bundles / digest, score_golden_in_child=False), **options)  # fmt: skip
    finally:
        books.close()


def change(home: Home, sql: str, *values: Any) -> None:
    """As somebody with the file would, past every check of ours."""
    with closing(sqlite3.connect(home.database)) as connection, connection:
        assert connection.execute(sql, values).rowcount == 1


def seq_of(home: Home, event_id: str) -> int:
    with closing(sqlite3.connect(home.database)) as connection:
        return int(connection.execute("SELECT seq FROM event WHERE event_id = ?", (event_id,)).fetchone()[0])


def test_reasons_over_http_are_those_of_replayed_features(untouched: Home) -> None:
    assert same_reasons(untouched, Product.PAYMENT) > 20
    assert same_reasons(untouched, Product.LOAN) >= 1


def test_reasons_that_the_features_do_not_give_are_seen(home: Home) -> None:
    with closing(sqlite3.connect(home.database)) as connection:
        body, decision = connection.execute(
            "SELECT body, decision_id FROM decision WHERE action = 'decline' LIMIT 1"
        ).fetchone()
    changed = json.loads(body)
    changed["reasons"] = changed["reasons"][::-1]
    change(home, "UPDATE decision SET body = ? WHERE decision_id = ?", json.dumps(changed).encode(), decision)
    with pytest.raises(AssertionError, match=decision):
        same_reasons(home, Product.PAYMENT)


def test_an_untouched_home_matches_bit_for_bit(home: Home) -> None:
    report = audited(home)
    assert report.ok
    assert (report.n_decisions, report.n_compared, report.n_matches) == (N_PAYMENTS + 1, N_PAYMENTS, N_PAYMENTS)
    assert report.n_values > 50 * N_PAYMENTS
    assert not report.differences
    assert report.causes() == {"features dropped: the state failed": 1}
    assert [(one.client, one.event_id) for one in report.extra] == [("flow", "elsewhere")]
    assert {one.n_different for one in report.features} == {0}
    assert {"card_count_1h", "features_truncated", "features_stale"} <= {one.name for one in report.features}
    loans = audited(home, "loan")
    assert (loans.ok, loans.n_matches, loans.missing, loans.extra) == (True, N_LOANS, (), ())


def test_a_changed_amount_in_the_journal_is_found_wherever_it_was_seen(home: Home) -> None:
    with closing(sqlite3.connect(home.database)) as connection:
        found = connection.execute("SELECT seq, body FROM event WHERE kind = 'transaction' ORDER BY seq").fetchall()
    bodies = {seq: msgspec.msgpack.decode(body) for seq, body in found}
    seq = min(bodies)
    card = bodies[seq]["card_id"]
    bodies[seq]["amount"] += 1
    change(home, "UPDATE event SET body = ? WHERE seq = ?", msgspec.msgpack.encode(bodies[seq]), seq)
    report = audited(home)
    assert not report.ok
    assert {(d.seq, d.feature) for d in report.differences} >= {(seq, "amount")}
    seen_by = {d.seq for d in report.differences if d.feature.startswith("card_amount_")}
    assert seen_by
    assert all(other > seq and bodies[other]["card_id"] == card for other in seen_by)
    assert report.n_mismatches == len({d.seq for d in report.differences})
    counted = {one.name: one.n_different for one in report.features if one.n_different}
    assert counted["amount"] == 1
    assert sum(counted.values()) == len(report.differences)


def test_a_changed_bit_of_a_vector_is_found_alone(home: Home) -> None:
    bundle = load_bundle(next(home.bundles.iterdir()), score_golden_in_child=False)
    product = bundle.product.value
    with closing(sqlite3.connect(home.database)) as connection:
        row = connection.execute(
            "SELECT decision_id, vector FROM decision WHERE product = ? AND vector IS NOT NULL LIMIT 1", (product,)
        ).fetchone()
    vector = np.frombuffer(row[1], dtype="<f8").copy()
    place = int(np.flatnonzero(vector > 0)[0])
    vector[place] = np.nextafter(vector[place], np.inf)
    change(home, "UPDATE decision SET vector = ? WHERE decision_id = ?", vector.tobytes(), row[0])
    (difference,) = audited(home, product).differences
    assert (difference.decision_id, difference.feature) == (row[0], bundle.encoder.names[place])
    assert difference.logged == np.nextafter(difference.computed, np.inf)
    # A value where there was none, and a vector of another length.
    change(home, "UPDATE decision SET vector = ? WHERE decision_id = ?", vector[:-1].tobytes(), row[0])
    (difference,) = audited(home, product).differences
    assert (difference.feature, difference.computed) == ("vector length", len(vector))


def test_a_flag_that_was_not_told_is_found(home: Home) -> None:
    change(
        home, "UPDATE decision SET body = CAST(replace(CAST(body AS TEXT), '\"flags\":[]', '\"flags\":"
        "[\"features_truncated\"]') AS BLOB) WHERE event_id = 'p3'",
    )  # fmt: skip
    (difference,) = audited(home).differences
    assert (difference.feature, difference.logged, difference.computed) == ("features_truncated", 1.0, 0.0)


def test_a_decision_without_its_request_is_lost(home: Home) -> None:
    change(home, "UPDATE event SET event_id = 'renamed' WHERE event_id = 'p5'")
    change(home, "DELETE FROM event WHERE event_id = 'p7'")
    report = audited(home)
    assert not report.ok
    assert [one.cause for one in report.lost] == [
        "the journal holds renamed there", "the journal holds no such request",
    ]  # fmt: skip
    assert report.n_compared == N_PAYMENTS - 2


def test_a_period_and_a_sample(home: Home) -> None:
    report = audited(home, since=world.now_like(10), until=world.now_like(20))
    assert (report.n_decisions, report.n_compared, report.extra) == (10, 10, ())
    assert report.ok
    first, again, other = (audited(home, sample=15, seed=seed) for seed in (1, 1, 2))
    assert (first.n_compared, first.n_matches) == (15, 15)
    assert first == again
    assert first.n_values != other.n_values
    assert len(first.missing) == 1


def test_a_command_says_it_and_its_exit_code_too(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--home", str(home.root), "--configs", str(world.CONFIGS), "features", "audit"]
    assert main([*command, "--json"]) == 0
    payments, loans = json.loads(capsys.readouterr().out)
    assert (payments["n_mismatches"], payments["n_extra"], loans["n_matches"]) == (0, 1, N_LOANS)
    assert payments["missing"] == {"features dropped: the state failed": 1}
    assert main([*command, "--product", "payment", "--to", format_instant(world.now_like(-1))]) == 0
    assert "payment: 0 decisions, 0 vectors compared" in capsys.readouterr().out
    assert main([*command, "--last", "1d", "--from", "2026-01-01"]) == 2
    change(home, "UPDATE event SET event_time = event_time - ? WHERE event_id = 'p9'", 7 * MINUTE)
    capsys.readouterr()
    assert main([*command, "--sample", "1000"]) == 1
    shown = capsys.readouterr().out
    assert "do not" in shown
    assert f"{seq_of(home, 'p9')}" in shown


def test_a_bundle_whose_features_cannot_be_computed_is_refused(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["--home", str(home.root), "--configs", str(world.CONFIGS), "features", "audit"]
    with monkeypatch.context() as patch:
        patch.setattr(features.catalogue, "LAW", features.catalogue.LAW + 1)
        assert main(command) == 4
    told = capsys.readouterr().err
    assert f"{N_PAYMENTS} decisions were made by bundle" in told
    assert "a definition has changed since" in told
    shutil.rmtree(home.bundles)
    assert main(command) == 4
    assert "expected a bundle folder, found none" in capsys.readouterr().err
