"""A report in a notebook: statuses as a table, every picture and statistic by its name, the pages as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from domain.errors import InputError, expected_got
from scoring.bundle import load_bundle
from scoring.pages.page import Page, Picture
from scoring.pages.pictures import png_of
from scoring.pages.words import LANGS, Lang
from training.cards import card
from training.challenger import Trained
from training.progress import Progress, silent
from training.report.assemble import assemble, catalogue
from training.report.evidence import read_evidence
from training.report.files import write_report
from training.report.settings import ReportSettings


@dataclass(frozen=True)
class Drawing:
    """A picture as a notebook shows it."""

    png: bytes

    def _repr_png_(self) -> bytes:
        return self.png

    def __repr__(self) -> str:
        return f"Drawing({len(self.png):,} bytes of PNG)"


@dataclass(frozen=True)
class Shown:
    """A model's report, read in a notebook.

    Parameters
    ----------
    lang : of names, notes and pictures.
    """

    page: Page
    lang: Lang = "en"

    def table(self) -> pd.DataFrame:
        """Every statistic: value, interval, size, threshold, its source and status."""
        tongue = catalogue().tongue(self.lang)
        rows = [
            {"section": section.key, **each.as_dict(tongue)}
            for section in self.page.sections
            for each in section.statistics
        ]
        return pd.DataFrame(rows).set_index(["section", "key"])

    def statuses(self) -> pd.DataFrame:
        """Each section with its worst status."""
        tongue = catalogue().tongue(self.lang)
        rows = [(section.key, tongue(section.title), section.status.value) for section in self.page.sections]
        return pd.DataFrame(rows, columns=["section", "title", "status"]).set_index("section")

    def pictures(self) -> tuple[str, ...]:
        """Names that `picture` takes."""
        return tuple(self._pictures())

    def picture(self, name: str) -> Drawing:
        """One picture, by ``section.key``.

        Raises
        ------
        InputError
            When the report has none of this name.
        """
        found = self._pictures()
        if name not in found:
            raise InputError(expected_got(f"a picture out of {', '.join(found)}", name, "picture"))
        return Drawing(png_of(found[name], catalogue().tongue(self.lang)))

    def write(self, folder: str | Path, langs: Sequence[Lang] = LANGS) -> list[Path]:
        """Write the pages and ``report.json``, as ``assay report`` does."""
        return write_report(self.page, Path(folder), langs)

    def _pictures(self) -> dict[str, Picture]:
        return {
            f"{section.key}.{block.key}": block
            for section in self.page.sections
            for block in section.blocks
            if isinstance(block, Picture)
        }

    def _repr_html_(self) -> str:
        tongue = catalogue().tongue(self.lang)
        return card(f"{tongue(self.page.kind)}: {tongue(self.page.subject)}", self.statuses())

    def __repr__(self) -> str:
        return f"Shown({catalogue().tongue(self.lang)(self.page.subject)}, worst status {self.page.status.value})"


def report_on(made: Trained, settings: ReportSettings, *, lang: Lang = "en", progress: Progress = silent) -> Shown:
    """The report of a model that `training.train` gave, from what its run kept.

    Parameters
    ----------
    settings : ``Workspace.report`` or `training.report.assemble.report_settings` reads them.
    """
    bundle = load_bundle(made.bundle, score_golden_in_child=False)
    evidence = read_evidence(bundle, made.bundle.parent, version=made.version)
    return Shown(assemble(evidence, settings, progress=progress), lang)
