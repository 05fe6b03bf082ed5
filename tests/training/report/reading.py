"""What tests of sections share: light settings, every word of a section, and evidence with other test rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from scoring.pages.page import Facts, Finding, Picture, Prose, Section, Statistics, Table
from scoring.pages.status import Status
from scoring.pages.words import LANGS, Catalogue, Words
from stores.settings_files import load_settings
from training.report.evidence import Evidence, Rows
from training.report.settings import ReportSettings

ROOT = Path(__file__).parents[3]
LIGHT = load_settings(ROOT / "configs" / "report.yaml", ReportSettings).model_copy(update={"effort": "light"})
WORDS = Catalogue.read([ROOT / "scoring" / "pages" / "messages", ROOT / "training" / "report" / "messages"])


def with_test(evidence: Evidence, test: Rows) -> Evidence:
    """The evidence with other test rows."""
    made = replace(evidence)
    vars(made)["test"] = test
    return made


def drawn(rows: Rows, n: int, seed: int = 0) -> Rows:
    """``n`` rows by lot with replacement, in the order of time."""
    kept = np.sort(np.random.default_rng(seed).integers(0, len(rows.y), n))
    arrays = {
        name: values[kept] for name, values in vars(rows).items() if isinstance(values, np.ndarray) and len(values)
    }
    return replace(rows, table=rows.table.take(pa.array(kept)), **arrays)


def statuses(section: Section) -> dict[str, Status]:
    """Status of each statistic by its key."""
    return {each.key: each.status for each in section.statistics}


def said(section: Section) -> list[str]:
    """Everything of a section in both languages, pictures drawn; a message that is not there is an error."""
    texts: list[str] = []
    for lang in LANGS:
        tongue = WORDS.tongue(lang)
        words: list[Words] = [section.title, *section.not_run]
        for block in section.blocks:
            match block:
                case Prose(told) | Finding(words=told):
                    words.append(told)
                case Statistics(found, title):
                    words.append(title)
                    texts += [f"{each.as_dict(tongue)}" for each in found]
                case Picture(title=title, description=description, draw=draw, table=table):
                    figure = draw(tongue)
                    assert isinstance(figure, Figure)
                    assert figure.get_figwidth() <= 7.2
                    words += [title, description, *_words_of(table)]
                case Table():
                    words += _words_of(block)
                case Facts(rows=rows, title=title):
                    words += [title, *(each for row in rows for each in row if isinstance(each, Words))]
        texts += [tongue(each) for each in words]
    return texts


def _words_of(table: Table) -> list[Words]:
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert table.statuses is None or len(table.statuses) == len(table.rows)
    cells = [cell for row in table.rows for cell in row if isinstance(cell, Words)]
    return [table.title, *table.columns, *cells]
