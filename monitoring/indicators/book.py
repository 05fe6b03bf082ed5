"""The credit book month by month: first payments, vintages, roll rates, grades, bad debt, reserve, concentration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pandas as pd

from domain.bilingual import in_english
from monitoring.baseline import share_against_past
from monitoring.book.book import PRESENT, Sources
from monitoring.book.concentration import concentrations
from monitoring.book.grades import grade_migration, graded
from monitoring.book.losses import Exposures, exposures, pools
from monitoring.book.reserve import stressed
from monitoring.book.rolls import BUCKETS, roll_rates
from monitoring.book.settings import BookSettings, pricing_of
from monitoring.book.tape import Tape, read_tape
from monitoring.book.vintages import vintages
from monitoring.chunk import Chunk
from monitoring.indicator import Indicator
from monitoring.local_days import day_name, first_day, local_day, months
from monitoring.reading import Kind, Reading, not_assessed
from monitoring.sight import Sight
from scoring.interval import wilson
from scoring.pages.words import say
from stores.settings_files import load_settings

_PAST = 18
_NONE = "no loan"


def _settings(sight: Sight) -> BookSettings:
    path = sight.look.configs / "book.yaml"
    return sight.once("book settings", lambda: load_settings(path, BookSettings))


def _tape(sight: Sight) -> Tape:
    """The loan tape at the end of the chunk, made once for all indicators of the book."""
    platform, rules = sight.look.platform, _settings(sight).conventions

    def make() -> Tape:
        read = Sources.of_sight(sight).read
        return read_tape(read, rules, platform.fx_table(), platform.time_zone, sight.until)

    return sight.once(f"tape {sight.until}", make)


def _graded(sight: Sight) -> pd.DataFrame:
    sources = Sources.of_sight(sight)
    return sight.once(f"graded {sight.until}", lambda: graded(sources.decisions, sources.read("application")))


def _owed(sight: Sight) -> Exposures:
    settings = _settings(sight)

    def make() -> Exposures:
        tape = _tape(sight)
        return exposures(tape, _graded(sight), pools(tape, settings.least_rows, settings.confidence))

    return sight.once(f"owed {sight.until}", make)


def _share(
    sight: Sight, hits: int, n: int, past: Sequence[tuple[int, int]], where: str = "", note: str = "",
    kind: Kind = Kind.OBSERVED,
) -> Reading:  # fmt: skip
    """A share with its interval; within chance where months before it make it likely."""
    settings = _settings(sight)
    if n < settings.least_rows:
        return not_assessed(f"{n} loans, fewer than {settings.least_rows}", n, where, kind)
    low, high = wilson(hits, n, settings.confidence)
    found = share_against_past(hits, n, past)
    return Reading(hits / n, n, where, low, high, found is not None and found.within_chance, kind, note)


def _first_payment(sight: Sight) -> Iterator[Reading]:
    """Loans whose first instalment became so many days late, or would have, in this month."""
    tape, wait = _tape(sight), _settings(sight).conventions.first_payment_days
    first = tape.number == 1
    judged, late = tape.due[first] + wait, tape.paid[first] >= tape.due[first] + wait

    def within(chunk: Chunk | Sight) -> tuple[int, int]:
        start, end = (local_day(at, sight.zone) for at in (chunk.since, chunk.until))
        mine = (judged >= start) & (judged < end)
        return int((late & mine).sum()), int(mine.sum())

    hits, n = within(sight)
    yield _share(sight, hits, n, [within(chunk) for chunk in sight.chunks_before(_PAST, "month")], kind=Kind.REALISED)


def _vintage(sight: Sight) -> Iterator[Reading]:
    """Of the month of loans that has just been three months on book, the share ever 30 days past due."""
    known = [(each.month, each.hits[30][3], each.n) for each in vintages(_tape(sight), 3) if len(each.hits[30]) == 4]
    if not known:
        yield not_assessed(_NONE, kind=Kind.REALISED)
        return
    *before, (month, hits, n) = known
    past = [(k, m) for _, k, m in before[-_PAST:]]
    yield _share(sight, hits, n, past, note=f"disbursed in {month}", kind=Kind.REALISED)


def _rolls(sight: Sight) -> Iterator[Reading]:
    """Of the loans in a bucket at the last month's end, the share that is further behind now."""
    tape = _tape(sight)

    def worse(tape: Tape, name: str) -> tuple[int, int]:
        found = roll_rates(tape, 1).worse(name)
        return (0, 0) if found is None else (round(found[0] * found[3]), found[3])

    # The same tape seen at earlier month ends: `today` is all that moves.
    at = int(months(np.array([tape.today]))[0])
    earlier = [Tape(**{**vars(tape), "today": int(first_day(at - back))}) for back in range(1, _PAST + 1)]
    for name in BUCKETS[: BUCKETS.index("90+")]:
        hits, n = worse(tape, name)
        yield _share(sight, hits, n, [worse(each, name) for each in earlier], f"from={name}")


def _grades(sight: Sight) -> Iterator[Reading]:
    """Of the borrowers who were graded again this month, the share whose grade is worse."""
    frame = _graded(sight)

    def worse(chunk: Chunk | Sight) -> tuple[int, int]:
        matrix = grade_migration(frame, sight.zone, chunk.since, chunk.until)
        if matrix is None:
            return 0, 0
        counts = np.array(matrix.counts)
        return int(np.triu(counts, 1).sum()), int(counts.sum())

    hits, n = worse(sight)
    yield _share(sight, hits, n, [worse(chunk) for chunk in sight.chunks_before(_PAST, "month")])


def _bad_debt(sight: Sight) -> Iterator[Reading]:
    owed = _owed(sight)
    if owed.total <= 0:
        yield not_assessed("nothing is owed")
        return
    yield Reading(float(owed.balance[owed.bad].sum()) / owed.total, len(owed.row))


def _shortfall(sight: Sight) -> Iterator[Reading]:
    """How far the reserve falls short of the expected loss, as a share of it; below 0 it has to spare."""
    owed, settings = _owed(sight), _settings(sight)
    held = settings.reserve_on(date.fromisoformat(day_name(_tape(sight).today)), sight.look.platform.base_currency)
    made = stressed(
        owed, settings, pricing_of(sight.look.configs / "credit.yaml"), None if held is None else held.amount.minor,
        PRESENT,
    )  # fmt: skip
    if made.cover is None:
        yield not_assessed(
            in_english(made.note) or ("nothing is owed" if held else "no reserve with a source"), len(owed.row)
        )
        return
    yield Reading(1 - made.cover, len(owed.row), kind=Kind.ESTIMATED)


def _concentration(sight: Sight) -> Iterator[Reading]:
    owed = _owed(sight)
    if not len(owed.row):
        yield not_assessed("nothing is owed")
        return
    for each in concentrations(_tape(sight), owed):
        largest = "" if each.dimension == "borrower" else f"largest {each.parts[0].name} {each.parts[0].share:.0%}"
        yield Reading(each.index, len(owed.row), f"by={each.dimension}", note=largest)


def _over_cap(sight: Sight) -> Iterator[Reading]:
    """Of the loans paid out this month, the share at a rate above the cap of the pricing settings."""
    pricing = pricing_of(sight.look.configs / "credit.yaml")
    if pricing is None or pricing.all_in_cap is None:
        yield not_assessed("credit.yaml gives no pricing.all_in_cap with a source")
        return
    tape = _tape(sight)
    mine = tape.column("day") >= local_day(sight.since, sight.zone)
    rate = tape.loan["rate"].to_numpy(np.float64)[mine]
    n = int(np.isfinite(rate).sum())
    if not n:
        yield not_assessed(_NONE)
        return
    yield Reading(float((rate > pricing.all_in_cap.value).sum()) / n, n)


INDICATORS = (
    Indicator("first_payment_default", say("book.first_payment"), _first_payment, period="month", form=".1%"),
    Indicator("vintage_30_by_3", say("book.vintage_30_by_3"), _vintage, period="month", form=".1%"),
    Indicator("roll_rate", say("book.rolls"), _rolls, period="month", form=".1%"),
    Indicator("grade_migration", say("book.grades"), _grades, period="month", form=".1%"),
    Indicator("bad_debt_rate", say("book.bad_debt_rate"), _bad_debt, period="month", form=".1%"),
    Indicator("reserve_shortfall", say("book.reserve_shortfall"), _shortfall, period="month", form=".1%"),
    Indicator("rate_over_cap", say("book.rate_over_cap"), _over_cap, period="month", form=".1%"),
    Indicator("book_concentration", say("book.concentration"), _concentration, period="month", form=".3f"),
)
