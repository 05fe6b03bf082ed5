"""Who may not be erased yet: those on hold, and those whom payments, loans and service of the last years name.

    money     payments that happened and everything of a loan, of the identifier itself and of whoever it was seen with
    service   complaints and tickets of a person
    holds     due-diligence records, cases and courts

Only the journal, the ordinary record of matters and the nameless holds are read: what is answered says nothing of what
officers know.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from domain.settings import PlatformSettings
from domain.time import business_day
from monitoring.aml.last_seen import last_money, last_naming, last_service
from monitoring.aml.legs import legs_of
from monitoring.aml.retention import years_after
from monitoring.aml.settings import AmlSettings, Retention
from stores.holds import Holds, holders_of
from stores.journal import Journal


class Keeping:
    """What still has to be kept at a time; the journal is read once.

    Parameters
    ----------
    declined : ``seq`` of payments that were asked for and refused. at : µs UTC.
    """

    def __init__(
        self,
        journal: Journal,
        declined: Iterable[int],
        settings: AmlSettings,
        platform: PlatformSettings,
        *,
        at: int,
    ) -> None:
        self._journal = journal
        self._declined = frozenset(declined)
        self._settings = settings
        self._platform = platform
        self._at = at
        self._holds = Holds(journal.database)

    def keeps(self, column: str, token: str) -> bool:
        """Whether an identifier must stay: for itself, or for a person it was seen with."""
        if any(self.keeps_person(each) for each in holders_of(self._journal, column, token)):
            return True
        last = last_naming(self._journal, self._declined, column, token, until=self._at + 1)
        return self._runs(last, self._settings.retention.aml)

    def keeps_person(self, token: str) -> bool:
        """Whether what is known of a person must stay."""
        retention = self._settings.retention
        return (
            self._holds.held(token)
            or self._runs(self._money.get(token), retention.aml)
            or self._runs(self._service.get(token), retention.service)
        )

    @cached_property
    def _money(self) -> dict[str, int]:
        until = self._at + 1
        legs = legs_of(
            self._journal, self._declined, self._platform, self._settings.large_value, {}, until=until
        )  # fmt: skip
        return last_money(legs, self._journal, until=until)

    @cached_property
    def _service(self) -> dict[str, int]:
        return last_service(self._journal, until=self._at + 1)

    def _runs(self, last: int | None, retention: Retention) -> bool:
        if last is None:
            return False
        zone = self._platform.time_zone
        return years_after(business_day(last, zone), retention.years) > business_day(self._at, zone)
