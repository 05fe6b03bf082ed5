"""Trouble among payments: a wave of fraud, a mule ring, an outbreak in a channel, changed amounts, one busy payee."""

from __future__ import annotations

import numpy as np

from data.simulator.plants.ground import Draft, Ground
from domain.time import DAY, HOUR

WAVE_SHARE, WAVE_DAYS = 0.12, 3
RING_PAYERS, RING_MULES = 60, 3
OUTBREAK_SHARE = 0.30
DRIFT_TIMES = 2.5
BUSY_SHARE = 0.35


def fraud_wave(ground: Ground, at: int) -> None:
    """Stolen cards at two online shops for three days, an eighth of the usual traffic; banks tell within a day."""
    usual = ground.payments(at - 28 * DAY, at, channel="bank_card")
    per_day = ground.payments(at - 28 * DAY, at).num_rows / 28
    drafts = ground.drawn(usual, max(60, round(WAVE_SHARE * per_day * WAVE_DAYS)))
    shops = [(f"{ground.name}-shop-{n}", f"{ground.name}-terminal-{n}") for n in range(2)]
    for draft in drafts:
        shop, terminal = shops[int(ground.random.integers(len(shops)))]
        draft |= {
            "event_time": at + int(ground.random.random() * WAVE_DAYS * DAY), "merchant_id": shop,
            "terminal_id": terminal, "device_id": f"{ground.name}-device-{int(ground.random.integers(6))}",
            "ip_id": f"{ground.name}-ip-{int(ground.random.integers(4))}", "card_present": False, "country": "US",
            "currency": "USD", "auth_method": "none", "mcc": "5732", "latitude": None, "longitude": None,
            "amount": int(np.exp(ground.random.normal(np.log(45_000), 0.4))),
        }  # fmt: skip
    ground.tell(ground.pay(drafts, positive=True), "confirmed_fraud", "issuer", 18 * HOUR, 0.4)


def mule_ring(ground: Ground, at: int) -> None:
    """Sixty strangers pay three accounts within two days, which pass most of it on to one collector within hours."""
    transfers = ground.payments(at - 28 * DAY, at, mcc="4829")
    holders = {row["customer_id"]: row for row in transfers.to_pylist() if row["account_id"] is not None}
    chosen = ground.random.choice(sorted(holders), size=RING_MULES, replace=False)
    mules = [holders[name] for name in chosen]
    payers = [row for row in ground.drawn(transfers, RING_PAYERS) if row["customer_id"] not in set(chosen)]
    paid_in: list[Draft] = []
    passed_on: list[Draft] = []
    for draft in payers:
        mule = mules[int(ground.random.integers(len(mules)))]
        time, amount = at + int(ground.random.random() * 2 * DAY), int(ground.random.integers(90_000, 480_000))
        paid_in.append({**draft, "event_time": time, "payee_id": mule["account_id"], "amount": amount})
        passed_on.append(
            {
                **mule, "event_time": time + int((0.5 + 3 * ground.random.random()) * HOUR),
                "payee_id": f"{ground.name}-collector", "amount": round(0.9 * amount), "currency": "CNY",
            }
        )  # fmt: skip
    ground.tell(ground.pay(paid_in, positive=True), "authorised_scam", "customer", 4 * DAY, 0.5)
    ground.pay(passed_on, positive=True)


def channel_outbreak(ground: Ground, at: int, channel: str = "digital_currency") -> None:
    """From a day on nearly a third of the payments of one channel are reported as takeovers within two days."""
    struck = ground.payments(at, ground.end, channel=channel)
    hit = [row for row in struck.to_pylist() if ground.random.random() < OUTBREAK_SHARE]
    ground.tell(hit, "account_takeover", "customer", DAY, 0.4)


def drift(ground: Ground, at: int) -> None:
    """From a day on every amount is two and a half times what it was: prices, new customers, or a wrong unit."""
    table = ground.tables["transaction"]
    amount = table["amount"].to_numpy()
    after = table["event_time"].to_numpy() >= at
    ground.changed("transaction", after, "amount", np.rint(amount * DRIFT_TIMES).astype(np.int64))


def busy_payee(ground: Ground, at: int) -> None:
    """On one day a third of the usual traffic goes to one shop that nobody knew: honest, but one basket of eggs."""
    usual = ground.payments(at - 28 * DAY, at, channel="third_party_wallet")
    per_day = ground.payments(at - 28 * DAY, at).num_rows / 28
    drafts = ground.drawn(usual, max(40, round(BUSY_SHARE * per_day)))
    for draft in drafts:
        draft |= {
            "event_time": at + 8 * HOUR + int(ground.random.random() * 14 * HOUR),
            "merchant_id": f"{ground.name}-shop", "terminal_id": f"{ground.name}-terminal", "payee_id": None,
        }  # fmt: skip
    ground.pay(drafts, positive=False)
