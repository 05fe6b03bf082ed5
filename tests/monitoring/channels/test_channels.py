"""Channel risk: an outbreak is found in its channel and nowhere else; nothing known later is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml

from domain.errors import DefinitionError
from domain.events import CHANNELS, Event
from domain.money import FxTable
from domain.time import DAY, HOUR
from monitoring.channels.assess import ChannelReport, assess_channels
from monitoring.channels.intervals import loss_interval
from monitoring.channels.settings import ChannelSettings, Level, Measure
from monitoring.seen import seen
from stores.journal import Journal
from stores.settings_files import load_settings
from tests.monitoring.planted import CONFIGS, UNTIL, at, home_with, journal_in, said

SETTINGS = load_settings(CONFIGS / "channels.yaml", ChannelSettings)
FX = FxTable.of("CNY", {"USD": {"2020-01-01": "7.00"}})
SINCE = at(60)


def payment(number: int, channel: str | None, time: int, **body: object) -> Event:
    named = {} if channel is None else {"channel": channel}
    return Event("transaction", f"p{number}", time, time + 1, {"amount": 10_000, "currency": "CNY", **named, **body})


def outcome(number: int, code: str, subject: Event, known_at: int) -> Event:
    body = {"subject_event_id": subject.event_id, "subject_kind": "transaction", "subject_time": subject.event_time}
    return Event("outcome", f"o{number}", known_at, known_at, {**body, "code": code, "source": "issuer"})


def month(outbreak: str | None, n: int = 240, base: float = 0.004, worst: float = 0.06) -> Iterator[Event]:
    """Two periods of 60 days; a share of payments is charged back, more of one channel in the second period."""
    random = np.random.default_rng(5)
    number = 0
    for channel in CHANNELS[:3]:
        for day in range(120, 0, -1):
            for _ in range(n // 60):
                number += 1
                made = payment(number, channel, at(day) + int(random.integers(0, DAY - HOUR)))
                yield made
                share = worst if channel == outbreak and day <= 60 else base
                if random.random() < share:
                    yield outcome(number, "chargeback_fraud", made, made.event_time + 10 * DAY)


def known(events: Iterator[Event]) -> list[Event]:
    return [event for event in events if event.known_at < UNTIL]


@pytest.fixture(name="journal")
def _journal(tmp_path: Path) -> Iterator[Journal]:
    journal = journal_in(tmp_path)
    yield journal
    journal.database.close()


def look(journal: Journal, since: int = SINCE, until: int = UNTIL) -> ChannelReport:
    return assess_channels(partial(seen, journal, until=until), SETTINGS, FX, since=since, until=until)


def test_an_outbreak_changes_the_command_in_its_channel_only(tmp_path, capsys):
    quiet = home_with(tmp_path / "quiet", known(month(None)))
    outbreak = home_with(tmp_path / "outbreak", known(month("bank_card")))
    until = ("--until", "2026-05-01T00:00:00+08:00")
    code, calm = said(quiet, capsys, "channels", *until)
    assert code == 0
    assert {channel["level"] for channel in calm["channels"] if channel["n"]} == {"low"}
    assert "rising" not in {rate["trend"] for channel in calm["channels"] for rate in channel["rates"]}
    code, found = said(outbreak, capsys, "channels", *until)
    assert code == 1
    levels = {channel["channel"]: channel["level"] for channel in found["channels"]}
    assert levels == {**dict.fromkeys(CHANNELS[3:]), "cash_agent": "low", "bank_card": "high",
                      "third_party_wallet": "low"}  # fmt: skip
    rising = {
        (channel["channel"], rate["measure"])
        for channel in found["channels"]
        for rate in channel["rates"]
        if rate["trend"] == "rising"
    }
    assert rising == {("bank_card", measure) for measure in ("loss", "fraud", "dispute")}
    advised = next(channel["advice"] for channel in found["channels"] if channel["channel"] == "bank_card")
    assert SETTINGS.advice[Measure.FRAUD][Level.HIGH].model_dump() in advised


@pytest.mark.parametrize("seed", range(5))
def test_rates_are_those_of_a_naive_count(journal, seed):
    random = np.random.default_rng(seed)
    events, hits = [], Counter()
    for number in range(900):
        channel = CHANNELS[int(random.integers(0, 2))]
        made = payment(number, channel, at(float(random.uniform(0.01, 60))), amount=int(random.integers(1, 5000)))
        events.append(made)
        delay = int(random.uniform(0.1, 40) * DAY)
        code = str(random.choice(["chargeback_fraud", "dispute_opened", "reviewed_genuine", "declined"]))
        if random.random() < 0.3 and made.event_time + delay < UNTIL:
            events.append(outcome(number, code, made, made.event_time + delay))
            mature = made.event_time + 21 * DAY <= UNTIL
            hits[channel, "judged"] -= mature and code == "declined" and delay < 21 * DAY
            if mature and delay < 21 * DAY:
                hits[channel, "fraud"] += code == "chargeback_fraud"
                hits[channel, "lost"] += made.body["amount"] if code == "chargeback_fraud" else 0
                hits[channel, "dispute"] += code in SETTINGS.dispute_codes
        hits[channel, "judged"] += made.event_time + 21 * DAY <= UNTIL
    journal.append(events)
    for risk in look(journal).channels[:2]:
        assert risk.rate(Measure.FRAUD).n == hits[risk.channel, "judged"]
        assert risk.rate(Measure.FRAUD).n_events == hits[risk.channel, "fraud"]
        assert risk.rate(Measure.DISPUTE).n_events == hits[risk.channel, "dispute"]
        assert risk.n == risk.rate(Measure.FRAUD).n_immature + sum(
            event.kind == "transaction" and event.body.get("channel") == risk.channel
            and event.event_time + 21 * DAY <= UNTIL
            for event in events
        )  # fmt: skip


def test_two_clients_with_one_id_are_two_payments(journal):
    """What is told of one, and reversed of one, is not said of the other."""
    ours = [payment(number, "mobile", at(55) + number) for number in range(200)]
    theirs = [replace(payment(number, "bank_card", at(54) + number), client="other") for number in range(200)]
    told = [outcome(number, "chargeback_fraud", ours[number], at(50)) for number in range(50)]
    back = {"stage": "reversal", "amount": 100, "currency": "CNY"}
    undone = [
        Event(
            "transaction", f"r{number}", at(55) + HOUR, at(55) + HOUR, {**back, "links_to": f"{ours[number].event_id}"}
        )
        for number in range(40)
    ]
    journal.append([*ours, *theirs, *told, *undone])
    by_channel = {risk.channel: risk for risk in look(journal).channels}
    assert by_channel["mobile"].rate(Measure.FRAUD).n_events == 50
    assert by_channel["bank_card"].rate(Measure.FRAUD).n_events == 0
    assert by_channel["mobile"].rate(Measure.FAILURE).n_events == 40
    assert by_channel["bank_card"].rate(Measure.FAILURE).n_events == 0


def test_what_is_known_later_changes_nothing(journal):
    events = list(month("bank_card"))
    journal.append([event for event in events if event.known_at < UNTIL])
    before = look(journal).as_dict()
    late = [event for event in events if event.known_at >= UNTIL]
    late += [replace(payment(9_000_000, "mobile", at(30)), known_at=UNTIL)]
    late += [outcome(9_000_001, "chargeback_fraud", payment(1, "cash_agent", at(119)), UNTIL)]
    assert len(late) > 2
    journal.append(late)
    assert look(journal).as_dict() == before
    assert look(journal, since=SINCE, until=UNTIL + DAY).as_dict() != before


def test_immature_payments_are_counted_and_never_good(journal):
    journal.append([payment(number, "mobile", at(5) + number) for number in range(500)])
    risk = look(journal).channels[CHANNELS.index("mobile")]
    assert risk.rate(Measure.FRAUD).value is None
    assert (risk.rate(Measure.FRAUD).n, risk.rate(Measure.FRAUD).n_immature) == (0, 500)
    assert risk.rate(Measure.FAILURE).value == 0.0


def test_an_outbreak_of_this_week_does_not_wait_for_its_payments_to_mature(journal):
    journal.append(sorted(known(month(None)), key=lambda event: event.known_at))
    made = [payment(500_000 + number, "mobile", at(4) + number) for number in range(400)]
    told = [outcome(500_000 + number, "account_takeover", made[number], at(2)) for number in range(60)]
    journal.append(made)
    calm = look(journal).channels
    journal.append(told)
    found = look(journal).channels
    place = CHANNELS.index("mobile")
    assert (calm[place].level, found[place].level) == (Level.LOW, Level.HIGH)
    assert found[place].because is Measure.FRAUD
    assert found[place].rate(Measure.FRAUD).n_early == 60
    assert found[place].rate(Measure.FRAUD).value is None
    assert SETTINGS.advice[Measure.FRAUD][Level.HIGH] in found[place].advice
    assert [a for p, a in enumerate(found) if p != place] == [a for p, a in enumerate(calm) if p != place]


def test_names_of_importers_are_mapped_and_others_listed(journal):
    events = [payment(number, None, at(30) + number, x_channel="e_cny") for number in range(120)]
    events += [payment(200 + number, None, at(30) + number, x_channel="barter") for number in range(3)]
    events += [payment(300, None, at(30))]
    journal.append(events)
    report = look(journal)
    assert report.channels[CHANNELS.index("digital_currency")].n == 120
    assert [(each.name, each.n) for each in report.unknown] == [("", 1), ("barter", 3)]


def test_a_failure_is_a_refusal_or_a_reversal_within_its_time(journal):
    made = [payment(number, "mobile", at(30) + number) for number in range(200)]
    refused = [outcome(number, "declined", made[number], made[number].event_time + HOUR) for number in range(10)]
    reversal = [
        Event("transaction", f"r{number}", made[number].event_time + hours * HOUR,
              made[number].event_time + hours * HOUR,
              {"amount": 10_000, "currency": "CNY", "stage": "reversal", "links_to": made[number].event_id})
        for number, hours in ((20, 2), (21, 2), (22, 40))
    ]  # fmt: skip
    journal.append([*made, *refused, *reversal])
    rate = look(journal).channels[CHANNELS.index("mobile")].rate(Measure.FAILURE)
    assert (rate.n, rate.n_events) == (200, 12)


def test_amounts_are_in_base_currency(journal):
    journal.append([payment(1, "mobile", at(30), amount=100, currency="USD"), payment(2, "mobile", at(30))])
    assert look(journal).channels[CHANNELS.index("mobile")].amount == 10_700


def test_the_interval_of_losses_covers_what_it_should():
    random = np.random.default_rng(3)
    sizes = np.array([1.0, 2.0, 8.0])
    truth = float((sizes * 4).sum())
    misses = 0
    for _ in range(400):
        losses = np.repeat(sizes, random.poisson(4, 3))
        low, high = loss_interval(losses, 8.0, 0.95)
        misses += not low <= truth <= high
    assert misses / 400 < 0.05


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"names": {"pos": "barter"}}, "barter"),
        ({"dispute_codes": ["made_up"]}, "made_up"),
        ({"raw_column": "channel"}, "x_"),
        ({"levels": {"medium": 80, "high": 70, "source": "test"}}, "medium < high"),
    ],
)
def test_wrong_settings_are_refused(change, told, tmp_path):
    content = yaml.safe_load((CONFIGS / "channels.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "channels.yaml"
    path.write_text(yaml.safe_dump({**content, **change}, allow_unicode=True), encoding="utf-8")
    with pytest.raises(DefinitionError, match=told):
        load_settings(path, ChannelSettings)
