"""What anti-money-laundering work looks at: payments as legs, due-diligence records, and all records, up to a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from domain.money import FxTable
from domain.settings import PlatformSettings
from monitoring.aml.diligence import KIND, Standing, standings
from monitoring.aml.legs import legs_of
from monitoring.aml.settings import AmlSettings
from stores.journal import Journal
from stores.ledger import Ledger
from stores.restricted import Record, RestrictedStore


@dataclass(frozen=True)
class World:
    """Everything known before ``until`` (µs UTC).

    Parameters
    ----------
    legs : as `monitoring.aml.legs` makes them. records : of the restricted store, oldest first.
    """

    settings: AmlSettings
    platform: PlatformSettings
    legs: pd.DataFrame
    standings: Mapping[str, Standing]
    records: tuple[Record, ...]
    until: int

    @property
    def fx(self) -> FxTable:
        """The dated rates."""
        return self.platform.fx_table()

    def of(self, kind: str) -> list[Record]:
        """The records of a kind."""
        return [record for record in self.records if record.kind == kind]


def world_of(
    journal: Journal,
    ledger: Ledger,
    store: RestrictedStore | None,
    settings: AmlSettings,
    platform: PlatformSettings,
    *,
    until: int,
) -> World:
    """Read it; without a store there are no records yet."""
    records = () if store is None else tuple(store.read(before=until))
    known = [record for record in records if record.kind == KIND]
    standing = standings(known, settings.diligence, at=until, zone=platform.time_zone)
    legs = legs_of(journal, ledger.declined(), platform, settings.large_value, standing, until=until)
    return World(settings, platform, legs, standing, records, until)
