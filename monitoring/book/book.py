"""The whole book at an instant, from events and decisions known before it.

tape → vintages, bad rates, first-payment defaults, roll rates, migration
     → exposures with a PD each → expected and unexpected loss → reserve needed, cover, stress
     → limits by grade, concentration
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.bilingual import Sourced, in_english
from domain.money import exponent
from domain.settings import PlatformSettings
from domain.time import EARLIEST
from monitoring.book.concentration import Concentration, concentrations
from monitoring.book.grades import grade_migration, grade_order, graded
from monitoring.book.losses import Exposures, Piece, Pool, exposures, pieces, pools
from monitoring.book.reserve import Stressed, stressed
from monitoring.book.rolls import BUCKETS, Matrix, class_migration, roll_rates, statement_rolls
from monitoring.book.settings import BookSettings, Held, Scenario
from monitoring.book.tape import Tape, read_tape
from monitoring.book.vintages import Share, Vintage, bad_rates, first_payment_defaults, vintages
from monitoring.local_days import months
from monitoring.oversight.look import Look
from monitoring.seen import Reader, seen
from monitoring.sight import Sight
from scoring.pricing_settings import Pricing

PRESENT = Scenario(name="present", zh="目前", en="as it is", source="no stress")


@dataclass(frozen=True)
class Sources:
    """Where a book is read from: events of a kind, and decisions on loans, known before an instant."""

    read: Reader
    decisions: pa.Table

    @classmethod
    def of_look(cls, look: Look) -> Sources:
        """Of a look back."""
        return cls(lambda kind: seen(look.journal, kind, look.until), look.ledger.read("loan", until=look.until))

    @classmethod
    def of_sight(cls, sight: Sight) -> Sources:
        """Of an indicator's sight."""
        return cls(lambda kind: sight.events(kind, since=EARLIEST), sight.decisions("loan", since=EARLIEST))


@dataclass(frozen=True, slots=True)
class GradeLine:
    """What is owed by loans of one grade against its limit; grade None for loans that have none."""

    grade: str | None
    n: int
    balance: float
    share: float
    limit: float | None
    source: Sourced


@dataclass(frozen=True)
class Book:
    """The credit book as known at ``until``; amounts in minor units of ``currency``."""

    until: int
    day: str
    currency: str
    n_loans: int
    n_owed: int
    n_orphans: int
    disbursed: float
    balance: float
    by_bucket: tuple[tuple[str, int, float], ...]
    bad_debt_rate: float | None
    vintages: tuple[Vintage, ...]
    bad_rates: tuple[Share, ...]
    first_payment: tuple[Share, ...]
    rolls: Matrix
    classes: Matrix
    statements: Matrix
    grades: Matrix | None
    pools: tuple[Pool, ...]
    pieces: tuple[Piece, ...]
    unassessed: float
    present: Stressed
    held: Held | None
    cover_bad: float | None
    cover_book: float | None
    scenarios: tuple[Stressed, ...]
    by_grade: tuple[GradeLine, ...]
    concentrations: tuple[Concentration, ...]

    @property
    def unit(self) -> int:
        """Minor units in one unit of the currency."""
        return int(10 ** exponent(self.currency))

    def concentration(self, dimension: str) -> Concentration | None:
        """That of one dimension; None where nothing is owed."""
        return next((each for each in self.concentrations if each.dimension == dimension), None)

    def as_dict(self) -> dict[str, Any]:
        """As JSON; borrowers are tokens."""
        told = asdict(self)
        held = self.held
        told["held"] = None if held is None else {"since": str(held.since), "amount": str(held.amount),
                                                  "source": in_english(held.source)}  # fmt: skip
        told["present"]["note"] = in_english(self.present.note)
        for record, each in zip(told["scenarios"], self.scenarios, strict=True):
            record["note"] = in_english(each.note)
        told["by_grade"] = [{**asdict(each), "source": in_english(each.source)} for each in self.by_grade]
        return told


def read_book(
    sources: Sources, settings: BookSettings, pricing: Pricing | None, platform: PlatformSettings, until: int
) -> Book:
    """Everything about the book at ``until`` (µs UTC)."""
    zone = platform.time_zone
    tape = read_tape(sources.read, settings.conventions, platform.fx_table(), zone, until)
    decisions = graded(sources.decisions, sources.read("application"))
    known = pools(tape, settings.least_rows, settings.confidence)
    owed = exposures(tape, decisions, known)
    day = date(1970, 1, 1) + timedelta(days=tape.today)
    held = settings.reserve_on(day, platform.base_currency)
    reserve = None if held is None else float(held.amount.minor)
    lgd = None if pricing is None or pricing.lgd is None else pricing.lgd.value
    bad = float(owed.balance[owed.bad].sum())
    rows = (settings.least_rows, settings.confidence)
    return Book(
        until=until, day=str(day), currency=platform.base_currency, n_loans=tape.n, n_owed=len(owed.row),
        n_orphans=tape.n_orphans, disbursed=float(tape.loan["amount"].sum()), balance=owed.total,
        by_bucket=_by_bucket(owed), bad_debt_rate=bad / owed.total if owed.total > 0 else None,
        vintages=vintages(tape, settings.months_on_book), bad_rates=bad_rates(tape, *rows),
        first_payment=first_payment_defaults(tape, *rows), rolls=roll_rates(tape, settings.roll_months),
        classes=class_migration(tape, settings.roll_months),
        statements=statement_rolls(sources.read("statement"), zone, tape.today, settings.roll_months),
        grades=grade_migration(decisions, zone, EARLIEST, until), pools=known, pieces=pieces(owed, lgd),
        unassessed=owed.unassessed(), present=stressed(owed, settings, pricing, reserve, PRESENT), held=held,
        cover_bad=None if reserve is None or bad <= 0 else reserve / bad,
        cover_book=None if reserve is None or owed.total <= 0 else reserve / owed.total,
        scenarios=tuple(stressed(owed, settings, pricing, reserve, each) for each in settings.scenarios),
        by_grade=_by_grade(tape, owed, decisions, settings), concentrations=concentrations(tape, owed),
    )  # fmt: skip


def month_of(book: Book) -> int:
    """Calendar month of the look, since January 1970."""
    return int(months(np.array([np.datetime64(book.day, "D").astype(np.int64)]))[0])


def _by_bucket(owed: Exposures) -> tuple[tuple[str, int, float], ...]:
    found = []
    for place, name in enumerate(BUCKETS[: BUCKETS.index("90+") + 1]):
        mine = owed.bucket == place
        found.append((name, int(mine.sum()), float(owed.balance[mine].sum())))
    return tuple(found)


def _by_grade(tape: Tape, owed: Exposures, decisions: pd.DataFrame, settings: BookSettings) -> tuple[GradeLine, ...]:
    if owed.total <= 0:
        return ()
    grade = tape.loan["application_id"].map(decisions.set_index("event_id")["grade"]).iloc[owed.row]
    names = grade.to_numpy(dtype=object)
    limits = {each.grade: each for each in settings.grade_limits}
    order: list[str | None] = [*grade_order(decisions)]
    order += [name for name in limits if name not in order]
    lines = []
    for name in [*order, None]:
        mine = pd.isna(names) if name is None else names == name
        if name is None and not mine.any():
            continue
        limit = limits.get(name) if name is not None else None
        balance = float(owed.balance[mine].sum())
        lines.append(
            GradeLine(name, int(mine.sum()), balance, balance / owed.total, None if limit is None else limit.most,
                      "" if limit is None else limit.source)
        )  # fmt: skip
    return tuple(lines)
