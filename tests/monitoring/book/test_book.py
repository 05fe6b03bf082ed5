"""The credit book: planted trouble changes the command, late news changes nothing, losses agree with oracles."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
import yaml

from domain.errors import DefinitionError, InputError
from domain.time import DAY, HOUR
from monitoring.book.concentration import concentration
from monitoring.book.grades import grade_migration, graded
from monitoring.book.judged import judged
from monitoring.book.losses import pools
from monitoring.book.settings import BookSettings, Scenario, pricing_of
from monitoring.book.unexpected import stressed_pd, unexpected_loss
from monitoring.book.vintages import bad_rates, first_payment_defaults, vintages
from scoring.pages.status import Status
from stores.ledger import Entry, Ledger
from stores.settings_files import load_settings
from tests.monitoring.book.lender import PRICING, SETTINGS, ZONE, Lent, book_of, lent, look_at, months_back, tape_of
from tests.monitoring.planted import CONFIGS, UNTIL, home_with, said

ALL = frozenset(range(1, 13))
LATER = frozenset(range(4, 13))


def portfolio(bad_share: float, *, first: float = 0.0, n: int = 60, months: range = range(20, 0, -1)) -> list[Lent]:
    """Sixty loans a month; a share of each month stops paying at the fourth instalment, another never pays at all."""
    regions = ("CN-SH", "CN-BJ", "CN-GD", "CN-SC", "CN-YN")
    products = ("cash_loan", "consumer_loan")
    made = []
    for back in months:
        for number in range(n):
            name = f"l{back:02d}-{number:02d}"
            missed = ALL if number < first * n else LATER if number < (first + bad_share) * n else frozenset()
            made.append(Lent(name, months_back(back), missed=missed, region=regions[number % 5],
                             product=products[number % 2]))  # fmt: skip
    return made


def decided(ledger: Ledger, number: int, seq: int, event_id: str, at: int, grade: str, score: float) -> None:
    bands = {"A": [0.0, 0.02], "B": [0.02, 0.04], "C": [0.04, 0.08], "F": [0.32, 1.0]}
    body = msgspec.json.encode({"credit_grade": grade, "pd_band": bands[grade]})
    told = ("m", "approve", "normal", -2.0, score, body, b"{}", None)
    ledger.append_within([Entry(f"d{number}", seq, "loan", "local", event_id, at, *told)])


def test_a_worse_book_changes_the_command_and_a_sound_one_does_not(tmp_path, capsys):
    until = ("--until", "2026-05-01T00:00:00+08:00")
    sound = home_with(tmp_path / "sound", lent(portfolio(0.02, n=50, months=range(15, 0, -1))))
    worse = home_with(tmp_path / "worse", lent(portfolio(0.20, n=50, months=range(15, 0, -1))))
    _, calm = said(sound, capsys, "book", *until)
    code, found = said(worse, capsys, "book", *until)
    assert code == 1
    assert calm["figures"]["bad_debt_rate"]["status"] == "pass"
    assert found["figures"]["bad_debt_rate"]["status"] == "red"
    rate = {name: each["bad_rates"][-1]["value"] for name, each in (("sound", calm), ("worse", found))}
    assert rate == {"sound": pytest.approx(1 / 50), "worse": pytest.approx(10 / 50)}
    assert found["present"]["needed"] > 5 * calm["present"]["needed"]
    assert found["present"]["cover"] < calm["present"]["cover"]


def test_a_book_of_one_region_is_beyond_its_limit(journal, tmp_path):
    loans = portfolio(0.02)
    journal.append(lent([replace(loan, region="CN-SH") for loan in loans]))
    status = {each.key: each.status for each in judged(book_of(journal, tmp_path), SETTINGS)}
    assert status["hhi_region"] is Status.RED
    assert status["hhi_product"] is Status.PASS


def test_a_month_that_is_not_over_is_blank(journal):
    journal.append(lent(portfolio(0.0, first=0.2, months=range(4, 0, -1))))
    found = {vintage.month: vintage for vintage in vintages(tape_of(journal), 24)}
    assert [len(found[months_back(back)].hits[30]) for back in (4, 3, 2, 1)] == [4, 3, 2, 1]
    # The first instalment is due in the month after; 30 days later it is month 2 on book.
    assert found[months_back(4)].hits[30] == (0, 0, 12, 12)
    assert found[months_back(4)].share(30, 3) == 0.2
    assert found[months_back(4)].share(30, 4) is None
    in_april = tape_of(journal, UNTIL - DAY)
    assert [len(vintage.hits[30]) for vintage in vintages(in_april, 24)] == [3, 2, 1, 0]


def test_first_payments_are_judged_once_they_are_old_enough(journal):
    journal.append(lent(portfolio(0.0, first=0.1, months=range(4, 0, -1))))
    shares = {each.name: each for each in first_payment_defaults(tape_of(journal), 50, 0.95)}
    assert shares[months_back(3)].value == pytest.approx(0.1)
    assert (shares[months_back(1)].value, shares[months_back(1)].n_immature) == (None, 60)
    assert shares[months_back(2)].n_immature == 60  # due 10 April, looked at 1 May
    # Paid a little late is no default.
    late = [replace(loan, name=f"late-{loan.name}", missed=frozenset(), late=((1, 20),)) for loan in portfolio(0.0)]
    journal.append(lent(late))
    assert {each.name: each.n_events for each in first_payment_defaults(tape_of(journal), 50, 0.95)}[
        months_back(3)
    ] == 6  # fmt: skip


def test_a_default_rate_needs_its_twelve_months(journal):
    journal.append(lent(portfolio(0.1)))
    found = bad_rates(tape_of(journal), 50, 0.95)
    assert [each.name for each in found] == [months_back(back) for back in range(20, 12, -1)]
    assert {each.value for each in found} == {0.1}


def test_pools_are_what_loans_did_within_the_year(journal):
    journal.append(lent(portfolio(0.1, n=60, months=range(30, 0, -1))))
    found = {pool.bucket: pool for pool in pools(tape_of(journal), 20, 0.95)}
    # Whoever misses the fourth instalment never pays again: every loan in arrears defaults.
    assert found["30-59"].pd == found["60-89"].pd == 1.0
    assert 0 < found["current"].pd < 0.1
    assert found["current"].low < found["current"].pd < found["current"].high


def test_what_is_known_later_changes_nothing(journal, tmp_path):
    events = lent(portfolio(0.1))
    cut = UNTIL - 45 * DAY
    journal.append([event for event in events if event.known_at < cut])
    before = book_of(journal, tmp_path, cut)
    late = [event for event in events if event.known_at >= cut]
    # Repayments and a loan that happened before the look, but of which nobody knew yet.
    late += [
        replace(event, event_id=f"late-{event.event_id}", known_at=cut)
        for event in lent([Lent("hidden", months_back(6))])
        if event.event_time < cut
    ]
    journal.append(late)
    assert book_of(journal, tmp_path, cut).as_dict() == before.as_dict()
    assert book_of(journal, tmp_path).as_dict() != before.as_dict()


def test_the_ledger_gives_the_chance_of_young_loans_and_their_grade(journal, tmp_path):
    loans = [Lent("young", months_back(3)), Lent("old", months_back(14), term=24), *portfolio(0.1)]
    events = lent(loans)
    applied = [
        replace(event, kind="application", event_id=f"app-{event.body['loan_id']}", event_time=event.event_time - DAY,
                known_at=event.event_time - DAY,
                body={"borrower_id": event.body["borrower_id"], "amount": 1_200_000, "currency": "CNY"})
        for event in events if event.event_id in ("loan-young", "loan-old")
    ]  # fmt: skip
    seqs = [appended.seq for appended in journal.append([*applied, *events])]
    ledger = Ledger(journal.database, bytes(32))
    for number, (event, seq) in enumerate(zip(applied, seqs, strict=False)):
        decided(ledger, number, seq, event.event_id, event.event_time + HOUR, "B", 0.03)
    book = book_of(journal, tmp_path)
    (piece,) = [piece for piece in book.pieces if piece.origin == "ledger"]
    assert (piece.n, piece.bucket) == (1, "current")
    assert piece.pd == pytest.approx(0.03)
    assert piece.expected_loss == pytest.approx(0.03 * PRICING.value("lgd") * piece.balance)
    grades = {line.grade: line.n for line in book.by_grade if line.n}
    assert grades == {"B": 2, None: book.n_owed - 2}


def test_a_grade_over_its_limit_is_red(journal, tmp_path):
    loans = portfolio(0.0, n=10, months=range(3, 0, -1))
    events = lent(loans)
    applied = [
        replace(event, kind="application", event_id=f"app-{event.body['loan_id']}", event_time=event.event_time - DAY,
                known_at=event.event_time - DAY,
                body={"borrower_id": event.body["borrower_id"], "amount": 1_200_000, "currency": "CNY"})
        for event in events if event.kind == "loan"
    ]  # fmt: skip
    seqs = [appended.seq for appended in journal.append([*applied, *events])]
    ledger = Ledger(journal.database, bytes(32))
    for number, (event, seq) in enumerate(zip(applied, seqs, strict=False)):
        decided(ledger, number, seq, event.event_id, event.event_time + HOUR, "F" if number < 3 else "A", 0.03)
    status = {each.key: each.status for each in judged(book_of(journal, tmp_path), SETTINGS)}
    assert status["grade_F"] is Status.RED  # 3 of 30 against 2 %
    assert status["grade_A"] is Status.RED  # 27 of 30 against 60 %


def test_borrowers_who_come_again_are_seen_to_move(journal, tmp_path):
    ledger = Ledger(journal.database, bytes(32))
    moves = [("b1", "A", "C"), ("b2", "A", "A"), ("b3", "C", "F"), ("b4", "B", None)]
    number = 0
    for borrower, *grades in moves:
        for step, grade in enumerate(grades):
            if grade is None:
                continue
            number += 1
            at = UNTIL - (100 - 50 * step) * DAY + number
            event = replace(
                lent([Lent("x", months_back(4))])[0], kind="application", event_id=f"a{number}", event_time=at,
                known_at=at, body={"borrower_id": borrower, "amount": 5, "currency": "CNY"},
            )  # fmt: skip
            (appended,) = journal.append([event])
            decided(ledger, number, appended.seq, event.event_id, at, grade, 0.05)
    frame = graded(look_at(journal, tmp_path).ledger.read("loan"), journal.read("application"))
    matrix = grade_migration(frame, ZONE, 0, UNTIL)
    assert matrix.names == ("A", "B", "C", "F")
    assert matrix.counts == ((1, 0, 1, 0), (0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 0, 0))
    assert matrix.worse("A")[0] == 0.5
    assert grade_migration(frame, ZONE, 0, UNTIL - 60 * DAY) is None


@pytest.mark.parametrize("correlation", [0.05, 0.15, 0.3])
def test_unexpected_loss_is_that_of_a_simulated_book(correlation):
    """Many small loans under one factor: the simulated quantile meets the formula."""
    random = np.random.default_rng(20_26)
    pd, lgd, n = np.array([0.01, 0.05, 0.20]), 0.6, 100_000
    balance = np.full(3, 1.0 * n)
    factor = random.standard_normal(40_000)
    conditional = [stressed_pd_given(each, correlation, factor) for each in pd]
    losses = sum(random.binomial(n, chance) for chance in conditional) * lgd
    simulated = np.quantile(losses, 0.99) - losses.mean()
    assert unexpected_loss(balance, pd, lgd, 0.99, correlation) == pytest.approx(simulated, rel=0.03)


def stressed_pd_given(pd: float, correlation: float, factor: np.ndarray) -> np.ndarray:
    from statistics import NormalDist

    normal = NormalDist()
    at = (normal.inv_cdf(pd) - np.sqrt(correlation) * factor) / np.sqrt(1 - correlation)
    return np.array([normal.cdf(each) for each in at])


def test_no_correlation_no_unexpected_loss():
    assert unexpected_loss(np.full(4, 10.0), np.full(4, 0.3), 0.5, 0.999, 0.0) == pytest.approx(0.0)
    with pytest.raises(InputError, match="a correlation from 0 below 1"):
        stressed_pd(np.array([0.1]), 0.999, 1.0)


def test_stress_scenarios_need_what_they_say(journal, tmp_path):
    journal.append(lent(portfolio(0.1)))
    book = book_of(journal, tmp_path)
    bad = sum(piece.balance for piece in book.pieces if piece.origin == "default")
    lgd, funding = PRICING.value("lgd"), PRICING.value("funding")
    present = book.present.needed
    severe = next(each for each in book.scenarios if each.name == "severe")
    expected = (lgd + 0.1) * bad + sum(
        (lgd + 0.1) * min(1.0, 2 * piece.pd) * piece.balance for piece in book.pieces if piece.origin == "pool"
    )
    assert severe.needed == pytest.approx(expected)
    delayed = next(each for each in book.scenarios if each.name == "recovery_delay")
    assert delayed.needed / present == pytest.approx((1 - (1 - lgd) / (1 + funding)) / lgd)
    assert book.cover_bad == pytest.approx(SETTINGS.reserve[0].amount.minor / bad)


def test_what_has_no_source_is_not_assessed(journal, tmp_path):
    journal.append(lent(portfolio(0.1, n=3, months=range(3, 0, -1))))
    bare = SETTINGS.model_copy(update={"reserve": (), "unexpected": None})
    book = book_of(journal, tmp_path, settings=bare)
    assert book.unassessed == pytest.approx(book.balance)
    assert (book.held, book.cover_bad, book.present.cover, book.present.unexpected) == (None, None, None, None)
    figures = {each.key: each for each in judged(book, bare)}
    assert figures["cover"].value is None
    assert figures["cover"].note


def test_concentration_is_exact():
    found = concentration("region", ["a"] * 3 + ["b"] * 2 + [None], [1.0] * 6)
    assert found.index == pytest.approx((9 + 4 + 1) / 36)
    assert [part.name for part in found.parts] == ["a", "b", ""]
    assert concentration("region", [], []) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scenarios": [{"name": "x", "zh": "一", "en": "x", "source": "test"}] * 2}, "scenario once"),
        ({"reserve": [{"since": "2026-01-01", "amount": "12 apples", "source": "test"}]}, "money"),
        ({"unexpected": {"confidence": 1.2, "correlation": {"value": 0.1, "source": "test"}}}, "confidence"),
        ({"limits": {"cover": {"least": 1.0}}}, "source"),
    ],
)
def test_wrong_settings_are_refused(change, told, tmp_path):
    content = yaml.safe_load((CONFIGS / "book.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "book.yaml"
    path.write_text(yaml.safe_dump({**content, **change}, allow_unicode=True), encoding="utf-8")
    with pytest.raises(DefinitionError, match=told):
        load_settings(path, BookSettings)


def test_pricing_is_read_from_the_credit_config_and_its_mistakes_are_told(tmp_path):
    path = tmp_path / "credit.yaml"
    path.write_text("name: credit\n", encoding="utf-8")
    assert pricing_of(path) is None
    path.write_text("pricing: {horizon_months: 12, term_months: 12, lgd: {value: 2, source: abc}}\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match="lgd"):
        pricing_of(path)


def test_a_scenario_has_a_plain_name():
    with pytest.raises(ValueError, match="name"):
        Scenario(name="Very Bad", zh="坏", en="bad", source="test")
