"""A month with planted money laundering: payments over accounts, an officer, and a home to work in."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from domain.events import Event
from domain.settings import PlatformSettings
from domain.time import DAY, HOUR, MINUTE, parse_instant
from monitoring.aml.settings import AmlSettings
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.keys import secret_key
from stores.settings_files import load_settings
from stores.vault import Vault

CONFIGS = Path(__file__).parents[3] / "configs"
ZONE = "Asia/Shanghai"
START = parse_instant("2026-03-01T00:00:00+08:00")
UNTIL = parse_instant("2026-04-01T00:00:00+08:00")
OFFICER = "wen"


@cache
def platform() -> PlatformSettings:
    return load_settings(CONFIGS / "platform.yaml", PlatformSettings)


@cache
def settings() -> AmlSettings:
    return load_settings(CONFIGS / "aml.yaml", AmlSettings)


def keeps_for(*, aml: int, service: int) -> dict[str, Any]:
    """``retention`` of so many years; 0 where nothing binds."""
    told = {"counted_from": "a test", "source": "a test"}
    return {"aml": {"years": aml, **told}, "service": {"years": service, **told}}


def configs(folder: Path, **changes: Any) -> Path:
    """The shipped settings with an officer named, in a folder of their own."""
    shutil.copytree(CONFIGS, folder)
    path = folder / "aml.yaml"
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**told, "officers": [OFFICER], **changes}, allow_unicode=True), encoding="utf-8")
    return folder


@dataclass
class Payments:
    """Payments as they are written down, one call each."""

    events: list[Event]

    def pay(self, customer: str, payee: str, amount: int, at: int, **more: Any) -> None:
        body = {
            "customer_id": customer, "account_id": more.pop("account", f"acc-{customer}"), "payee_id": payee,
            "amount": amount, "currency": "CNY", "channel": "mobile", **more,
        }  # fmt: skip
        number = len(self.events)
        self.events.append(
            Event("transaction", f"t-{number:05d}", at, at, {k: v for k, v in body.items() if v is not None})
        )


def at(day: int, hour: int = 10, minute: int = 0) -> int:
    """An instant of March 2026, local time; day 1 is the first."""
    return START + (day - 1) * DAY + hour * HOUR + minute * MINUTE


def ordinary(payments: Payments, *, n: int = 600, n_customers: int = 40, seed: int = 5) -> None:
    """Customers who pay each other and shops, nothing near a limit but by chance."""
    random = np.random.default_rng(seed)
    for _ in range(n):
        payer, payee = (int(each) for each in random.choice(n_customers, size=2, replace=False))
        amount = int(np.exp(random.normal(10.2, 1.0)))
        when = START + int(random.integers(0, 31 * DAY))
        to = f"acc-c{payee}" if random.random() < 0.5 else f"shop-{int(random.integers(0, 30))}"
        cash = random.random() < 0.15
        payments.pay(
            f"c{payer}", to, amount, when, channel="cash_agent" if cash else "mobile",
            terminal_id=f"branch-{int(random.integers(0, 5))}" if cash else None,
        )  # fmt: skip
    # Honest people near the cash limit: above it as often as below.
    for k in range(24):
        amount = int(random.integers(25_000_00, 75_000_00))
        payments.pay(f"c{k}", f"shop-{k}", amount, at(1 + k, 11), channel="cash_agent", terminal_id="branch-1")


def planted(payments: Payments) -> None:
    """`smurf` stays below the cash limit; `mule` gathers, passes on; `ring-…` pass money round; `firm` pays much."""
    for k in range(8):
        payments.pay("smurf", "acc-boss", 48_500_00 + 100_00 * k, at(2 + 3 * k, 9 + k), channel="cash_agent",
                     terminal_id=f"branch-{k % 3}")  # fmt: skip
    for k in range(9):
        payments.pay(f"c{k}", "acc-mule", 8_000_00 + k, at(12, 9 + k // 4, k))
    payments.pay("mule", "acc-boss", 68_000_00, at(12, 20))
    for k in range(4):
        payments.pay(f"ring-{k}", f"acc-ring-{(k + 1) % 4}", 30_000_00 - 500_00 * k, at(17 + k, 15))
    payments.pay("firm", "acc-far", 2_000_000_00, at(20, 11))
    payments.pay("rich", "acc-abroad", 150_000_00, at(23, 11), country="HK")
    payments.pay("rich", "acc-abroad", 50_000_00, at(23, 15), country="HK")


def payments(*, plant: bool = True) -> list[Event]:
    """All of it."""
    made = Payments([])
    ordinary(made)
    if plant:
        planted(made)
    return made.events


def home_of(folder: Path, events: Sequence[Event]) -> Home:
    """A home whose journal holds the events, tokenised as every door does."""
    home = Home(folder)
    database = Database(home.database)
    vault = Vault(database, secret_key(home.keys, "vault", {}))
    with database.transaction():
        Journal(database, home.segments).append_within([vault.tokenised(event) for event in events])
    database.close()
    return home
