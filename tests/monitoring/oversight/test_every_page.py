"""The exam of every page of the oversight site: an empty home stops none of them, words exist in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from domain.settings import PlatformSettings
from domain.time import DAY, parse_instant
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan, plans
from monitoring.oversight.site import RESTRICTED, catalogue, write_site
from scoring.pages.font import held
from scoring.pages.status import Status
from stores.breaches import Breaches
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.ledger import Ledger
from stores.settings_files import load_settings

CONFIGS = Path(__file__).parents[3] / "configs"
UNTIL = parse_instant("2026-05-01T00:00:00+08:00")
EVERY = [*plans(), *plans(restricted=True)]


@pytest.fixture(name="empty")
def _empty(tmp_path: Path) -> Look:
    home = Home(tmp_path)
    database = Database(home.database)
    platform = load_settings(CONFIGS / "platform.yaml", PlatformSettings)
    journal, ledger = Journal(database, home.segments), Ledger(database, bytes(32))
    return Look(home, CONFIGS, platform, database, journal, ledger, UNTIL - 30 * DAY, UNTIL)


@pytest.mark.parametrize("plan", EVERY, ids=lambda plan: plan.key)
def test_nothing_to_look_at_is_not_assessed(plan: PagePlan, empty: Look) -> None:
    sections = plan.build(empty)
    assert sections
    for section in sections:
        assert section.status in (Status.NOT_ASSESSED, Status.PASS), section.key


@pytest.mark.parametrize("plan", EVERY, ids=lambda plan: plan.key)
def test_the_font_holds_the_words(plan: PagePlan) -> None:
    words = catalogue()
    mine = [key for key in words.keys if key.startswith(f"{plan.key}.")]
    assert mine, f"expected words of page {plan.key} in messages/{plan.key}.yaml"
    lacking = {c for key in mine for c in words.message(key)["zh"]} - held() - set("\n\u3000")
    assert not lacking, "make the font anew: python -m scoring.pages.font"


def test_a_site_is_written_in_both_languages_and_links_only_within_itself(empty: Look, tmp_path: Path) -> None:
    out = tmp_path / "site"
    write_site(empty, out)
    assert not (out / RESTRICTED).exists()
    for plan in ("index", *(plan.key for plan in plans())):
        assert json.loads((out / f"{plan}.json").read_text(encoding="utf-8"))["until"] == UNTIL
        for lang in ("zh", "en"):
            page = (out / f"{plan}.{lang}.html").read_text(encoding="utf-8")
            assert "<script" not in page
            linked = re.findall(r'<a href="([^"]*)"', page)
            assert all(target.startswith("#") or (out / target).is_file() for target in linked)


def test_the_restricted_pages_lie_apart_and_are_named_nowhere_else(empty: Look, tmp_path: Path) -> None:
    out = tmp_path / "site"
    write_site(empty, out, restricted=True)
    words = catalogue()
    open_pages = "".join(path.read_text(encoding="utf-8") for path in out.glob("*.*"))
    assert (out / RESTRICTED).stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (out / RESTRICTED).iterdir()} == {0o600}
    for plan in plans(restricted=True):
        assert (out / RESTRICTED / f"{plan.key}.en.html").is_file()
        for lang in ("zh", "en"):
            assert words.tongue(lang)(plan.title) not in open_pages


def test_the_limit_of_the_watch_has_the_unit_of_its_value(empty: Look) -> None:
    with empty.database.transaction():
        Breaches(empty.database).keep_within("alert_rate", UNTIL - DAY, [], UNTIL)
    words = catalogue()
    (plan,) = (each for each in plans() if each.key == "early_warning")
    (told,) = (each for section in plan.build(empty) for each in section.statistics if each.key == "last_read")
    for lang, threshold in (("zh", "≤ 26 小时"), ("en", "≤ 26 h")):
        assert words.tongue(lang)(told.threshold) == threshold
