"""`assay watch run` over a lender's home: a crew raises its limit in its month, a sound lender none of the book's."""

from __future__ import annotations

import json
from pathlib import Path

from tests.monitoring.aml.world import home_of
from tests.monitoring.book.lender import lent
from tests.monitoring.book.test_book_indicators import lender
from tests.monitoring.planted import CONFIGS
from tests.shared import RunAssay

UNTIL = "2026-05-01T00:00:00+08:00"
BOOK = ("first-payment-default", "vintage-early", "roll-early", "bad-debt", "rate-over-cap", "grades-worsen")


def raised(run: RunAssay, folder: Path, *, crew: bool) -> dict[str, str]:
    """Limit → level of what is open at the end."""
    home_of(folder, lent(lender(crew=crew)))
    code, out, err = run("--home", str(folder), "--configs", str(CONFIGS), "watch", "run", "--as-of", UNTIL, "--json")
    assert code in (0, 1), err
    return {each["limit"]: each["level"] for each in json.loads(out)["open"]}


def test_a_crew_is_raised_in_first_payments_and_a_sound_lender_is_not(tmp_path: Path, run_assay: RunAssay) -> None:
    sound = raised(run_assay, tmp_path / "sound", crew=False)
    crew = raised(run_assay, tmp_path / "crew", crew=True)
    assert not set(sound) & set(BOOK)
    assert crew["first-payment-default"] == "high"
    assert "bad-debt" not in crew
