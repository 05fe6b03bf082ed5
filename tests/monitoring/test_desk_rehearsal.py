"""A rehearsed desk: usual days raise nothing, a burst of complaints is overdue on the day after it."""

from __future__ import annotations

import random
from pathlib import Path

from domain.events import Event
from domain.settings import PlatformSettings
from domain.time import DAY, HOUR, parse_instant
from monitoring.chunk import Chunker
from monitoring.desk_rehearsal import rehearse_desk
from monitoring.indicators.service import INDICATORS
from monitoring.oversight.look import Look
from monitoring.sight import Sight
from stores.acts import Acts
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.ledger import Ledger
from stores.matter_settings import ComplaintSettings
from stores.settings_files import load_settings

CONFIGS = Path(__file__).parents[2] / "configs"
BURST = parse_instant("2026-04-20T00:00:00+08:00")
UNTIL = parse_instant("2026-05-01T00:00:00+08:00")


def said(root: Path, *, burst: bool) -> dict[str, float | None]:
    """Overdue complaints at the end of each day of April, three of them a day on average."""
    chance = random.Random(4)
    times = [UNTIL - 60 * DAY + chance.randrange(60 * DAY) for _ in range(180)]
    times += [BURST + 9 * HOUR + chance.randrange(8 * HOUR) for _ in range(40)] if burst else []
    home = Home(root)
    database = Database(home.database)
    journal, ledger = Journal(database, home.segments), Ledger(database, bytes(32))
    body = {"complaint_class": "service", "customer_id": "c"}
    journal.append([Event("complaint", f"k{n}", at, at, body, "sim") for n, at in enumerate(times)])
    settings = load_settings(CONFIGS / "complaints.yaml", ComplaintSettings)
    done = rehearse_desk(journal, ledger, Acts(database, bytes(32)), settings, until=UNTIL)
    assert done.n_taken == len(times)
    assert done.n_settled <= done.n_answered <= done.n_taken
    assert rehearse_desk(journal, ledger, Acts(database, bytes(32)), settings, until=UNTIL).n_taken == 0
    platform = load_settings(CONFIGS / "platform.yaml", PlatformSettings)
    sight = Sight(Look(home, CONFIGS, platform, database, journal, ledger, UNTIL - 30 * DAY, UNTIL))
    (overdue,) = [each for each in INDICATORS if each.key == "complaints_overdue"]
    found = {}
    for chunk in Chunker("day", "Asia/Shanghai").between(UNTIL - 30 * DAY, UNTIL):
        (reading,) = overdue.read(sight.at(chunk))
        found[chunk.name] = reading.value
    database.close()
    return found


def test_usual_days_raise_nothing(tmp_path: Path) -> None:
    assert set(said(tmp_path, burst=False).values()) == {0.0}


def test_a_burst_is_overdue_on_the_day_after_it_and_worked_off(tmp_path: Path) -> None:
    found = said(tmp_path, burst=True)
    assert [found[f"2026-04-{day:02}"] for day in (18, 19, 20)] == [0.0, 0.0, 0.0]
    assert (found["2026-04-21"] or 0) >= 5
    assert [found[f"2026-04-{day}"] for day in (27, 28, 29, 30)] == [0.0] * 4
