"""The Chinese pages are Chinese: on no page of a home in which much happened stand three English words in a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest

from domain.time import DAY, format_instant
from monitoring.drill import DrillRecord, DrillStep, write_record
from monitoring.oversight.plan import plans
from monitoring.oversight.site import RESTRICTED, write_site
from tests.monitoring.month import KEY, Month, month
from tests.serving.world import CONFIGS
from tests.shared import RunAssay

CODES = (
    r"assay(?: [a-z-]+){1,3}",  # a command to run
    r"J\. Risk Model Validation",  # a journal
    r"step one of a drill that failed",  # what a program said when a step failed, as it was recorded
)
"""What stands in English on a Chinese page because it is no sentence of ours."""

_RUN = re.compile(r"[A-Za-z][A-Za-z'’-]*(?:[ ,;:.\xa0]+[A-Za-z][A-Za-z'’-]*){2,}")
_SILENT = ("style", "script")


class _Texts(HTMLParser):
    """Every text of a page, one for each element."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self._silent += tag in _SILENT

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.found.append(" ".join(data.split()))


def english_in(page: str) -> Iterator[str]:
    """Texts with three English words in a row, once what is named above is left out."""
    reader = _Texts()
    reader.feed(page)
    for text in reader.found:
        if _RUN.search(re.sub("|".join(CODES), "", text)):
            yield text


def test_the_walk_finds_a_sentence() -> None:
    page = "<style>a b c d</style><p>来源：ours; set from your appetite</p><td>assay watch run</td><td>AUC KS</td>"
    assert list(english_in(page)) == ["来源：ours; set from your appetite"]


@pytest.fixture(name="made", scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Month:
    plants = ("fraud_wave@2026-03-20", "complaint_burst@2026-03-17")
    return month(tmp_path_factory.mktemp("chinese"), plants=plants, n_customers=300, labelled=True)


@pytest.fixture(name="busy")
def _busy(made: Month, tmp_path: Path, run_assay: RunAssay, monkeypatch: pytest.MonkeyPatch) -> Month:
    """The month with a watch, a ticket, a statement with faults, and a drill of which each kind of step is seen."""
    monkeypatch.setenv("ASSAY_CHAIN_KEY", KEY.hex())
    monkeypatch.setenv("ASSAY_VAULT_KEY", KEY.hex())
    assay = partial(run_assay, "--home", str(made.home.root), "--configs", str(CONFIGS), "--actor", "lin")
    until, since = format_instant(made.until), format_instant(made.until - 2 * DAY)
    assert assay("watch", "run", "--as-of", until, "--since", since)[0] in (0, 1)
    statement = str(tmp_path / "statement.csv")
    assert assay("funds", "simulate", "--to", statement, "--until", until, "--faults")[0] == 0
    assert assay("funds", "read", statement)[0] == 0
    seen = (
        "12 files, 3,050 decisions", "assay.db: expected sha256 0123456789ab…, got another: altered or cut off",
        "12 files, 3,050 decisions and 2 bundles verify", "0 of 3,050 decisions lost", "decided by bundle 0123456789ab",
        "rules decide alone", "the model decides again", "decided by bundle 0123456789ab, the one before ba9876543210",
        "decided by bundle 0123456789ab again", "restore, start and the first decision together",
    )  # fmt: skip
    keys = ("backup", "damaged", "restore", "loss", "decide", "kill", "release", "rollback", "forward", "recovery")
    steps = [DrillStep(key, "kept", 1.0, 10.0, note) for key, note in zip(keys, seen, strict=True)]
    steps.append(DrillStep("start", "failed", None, 10.0, "step one of a drill that failed"))
    write_record(made.home, DrillRecord(since, "lin", "copy", tuple(steps)), {})
    return made


def test_no_english_sentence_stands_on_a_chinese_page(busy: Month, tmp_path: Path) -> None:
    look = busy.look()
    write_site(look, tmp_path / "site", langs=("zh",), restricted=True)
    look.database.close()
    pages = {
        path.name: path for folder in ("site", f"site/{RESTRICTED}") for path in (tmp_path / folder).glob("*.html")
    }
    assert len(pages) == len(plans()) + len(plans(restricted=True)) + 1
    found = {name: told for name, path in pages.items() if (told := list(english_in(path.read_text(encoding="utf-8"))))}
    assert not found, "give it in both languages, or name it under CODES"
