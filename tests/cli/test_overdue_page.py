"""`assay oversight`: a complaint that nobody answered in time turns its page red, one in time does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.events import Event
from domain.time import HOUR, parse_instant
from tests.monitoring.aml.world import CONFIGS, home_of
from tests.shared import RunAssay

SINCE, UNTIL = "2026-04-01T00:00:00+08:00", "2026-05-01T00:00:00+08:00"
END = parse_instant(UNTIL)


def page(run: RunAssay, folder: Path, hours: int) -> dict[str, Any]:
    """The page of complaints when one came so many hours before the end, and nobody did anything."""
    at = END - hours * HOUR
    body = {"complaint_class": "service", "customer_id": "c1"}
    home_of(folder / "home", [Event("complaint", "k1", at, at, body, "flow")])
    where = ["--home", str(folder / "home"), "--configs", str(CONFIGS)]
    out = folder / "site"
    code, _, err = run(*where, "oversight", "--since", SINCE, "--until", UNTIL, "--out", str(out), "--lang", "en")
    assert code in (0, 1), err
    assert (out / "complaints.en.html").stat().st_size > 1_000
    found: dict[str, Any] = json.loads((out / "complaints.json").read_text(encoding="utf-8"))["sections"][0]
    return found


@pytest.mark.parametrize(("hours", "status", "n_late"), [(72, "red", 2), (25, "red", 1), (23, "pass", 0)])
def test_an_overdue_complaint_turns_the_page_red_and_one_in_time_does_not(
    hours: int, status: str, n_late: int, run_assay: RunAssay, tmp_path: Path
) -> None:
    section = page(run_assay, tmp_path, hours)
    (overdue,) = [each for each in section["statistics"] if each["key"] == "complaints_overdue"]
    assert overdue["status"] == status
    late = [row for block in section["blocks"] if block.get("key") == "late" for row in block["rows"]]
    # A day after it came nobody has answered, a day later nobody has settled it either.
    assert len(late) == n_late
