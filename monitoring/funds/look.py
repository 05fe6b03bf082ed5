"""Everything about customers' money at one time: what a page, an indicator and a command have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pandas as pd

from domain.settings import PlatformSettings
from domain.time import business_day, to_micros, zone_of
from monitoring.funds.coverage import Coverage, coverage
from monitoring.funds.flags import Flag, flags
from monitoring.funds.movements import movements
from monitoring.funds.reconcile import Break, Reconciliation, reconcile
from monitoring.funds.settings import FundsSettings
from monitoring.oversight.look import Look
from stores.journal import Journal
from stores.keys import secret_key
from stores.settings_files import load_settings
from stores.statements import KeptLine, Statements
from stores.vault import Vault


@dataclass(frozen=True)
class Funds:
    """A look at the custody account.

    Parameters
    ----------
    ledger : as `monitoring.funds.movements` makes it. today : local day of the look.
    """

    ledger: pd.DataFrame
    lines: tuple[KeptLine, ...]
    found: Reconciliation
    flags: tuple[Flag, ...]
    coverage: Coverage
    today: date

    def open_on(self, since: str, until: str) -> tuple[Break, ...]:
        """Breaks that began on the days ``since <= day <= until``."""
        return tuple(each for each in self.found.breaks if since <= each.day <= until)


def look_at_funds(
    journal: Journal,
    declined: Iterable[int],
    kept: Iterable[KeptLine],
    settings: FundsSettings,
    platform: PlatformSettings,
    accounts: tuple[frozenset[str], frozenset[str]],
    *,
    until: int,
) -> Funds:
    """Reconcile all that was known before a time.

    Parameters
    ----------
    accounts : tokens of the platform's own accounts, and of its affiliates'.
    """
    zone = platform.time_zone
    ledger = movements(journal, declined, settings, zone, until=until)
    lines = tuple(line for line in kept if known_at(line, settings, zone) < until)
    today = business_day(until - 1, zone)
    found = reconcile(ledger, lines, settings, today=today)
    own, related = accounts
    flagged = flags(found, lines, own=own, related=related, fee_prefix=settings.fee_prefix)
    known = [each for each in found.days if each.closing is not None]
    balance, day = (known[-1].closing, known[-1].day) if known else (None, None)
    return Funds(
        ledger, lines, found, flagged, coverage(ledger, settings.currency, balance, day, settings.coverage), today
    )


def funds_of(look: Look, environment: Mapping[str, str]) -> Funds | None:
    """The custody account as a look sees it; None where neither a statement nor a movement is known.

    Parameters
    ----------
    environment : where the key of the vault may be named.
    """
    settings = load_settings(look.configs / "funds.yaml", FundsSettings)
    lines = Statements(look.database).lines(settings.account)
    accounts: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    if lines:
        accounts = account_tokens(settings, Vault(look.database, secret_key(look.home.keys, "vault", environment)))
    declined = look.ledger.declined()
    made = look_at_funds(look.journal, declined, lines, settings, look.platform, accounts, until=look.until)
    return made if len(made.ledger) or made.lines else None


def known_at(line: KeptLine, settings: FundsSettings, zone: str) -> int:
    """When a line is taken as known, µs UTC: so long after its day, or when its file was read."""
    after = settings.statement.arrives_after
    if after is None:
        return line.read_at
    next_day = date.fromisoformat(line.booked_on) + timedelta(days=1)
    return to_micros(datetime(next_day.year, next_day.month, next_day.day, tzinfo=zone_of(zone))) + after


def account_tokens(settings: FundsSettings, vault: Vault) -> tuple[frozenset[str], frozenset[str]]:
    """Tokens of the platform's own accounts and of its affiliates', as far as they were ever seen."""
    own, related = (
        frozenset(token for each in accounts if (token := vault.known("account_id", each)) is not None)
        for accounts in (settings.own_accounts, settings.related_accounts)
    )
    return own, related
