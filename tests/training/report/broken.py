"""Evidence with something wrong in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from scoring.pages.page import Section
from scoring.pages.status import Statistic
from stores.settings_files import load_settings
from tests.training.report.every_word import ROOT, every_word
from training.report.evidence import Evidence, Rows
from training.report.settings import ReportSettings

LIMITS = ROOT / "configs" / "report.yaml"


def shipped(**changes: Any) -> ReportSettings:
    """The limits as shipped."""
    return load_settings(LIMITS, ReportSettings).model_copy(update=changes)


def built(module: ModuleType, evidence: Evidence, **changes: Any) -> Section:
    """The section of a module, said aloud in both languages."""
    section: Section = module.build(evidence, shipped(**changes))
    assert section.key == module.SECTION.key
    for lang in ("zh", "en"):
        assert all(every_word(section, lang)[:1])
    return section


def named(section: Section, key: str) -> Statistic:
    """One statistic of a section."""
    (found,) = (each for each in section.statistics if each.key == key)
    return found


def with_rows(evidence: Evidence, **parts: Rows) -> Evidence:
    """With other rows for train, calibration or test."""
    made = replace(evidence)
    made.__dict__.update({part: parts.get(part, getattr(evidence, part)) for part in ("train", "calibration", "test")})
    return made


def with_about(evidence: Evidence, **about: Any) -> Evidence:
    """With other facts in the manifest."""
    manifest = replace(evidence.bundle.manifest, about={**evidence.about, **about})
    return replace(evidence, bundle=replace(evidence.bundle, manifest=manifest))


def with_settings(evidence: Evidence, **changes: Any) -> Evidence:
    """With other training settings."""
    return replace(evidence, settings=evidence.settings.model_copy(update=changes))


def with_files(evidence: Evidence, folder: Path, *without: str, **files: str) -> Evidence:
    """With other artifacts: ``without`` some, and texts in the place of others (``intake_json`` for intake.json)."""
    texts = {".".join(name.rsplit("_", 1)): text for name, text in files.items()}
    for path in evidence.folder.iterdir():
        if path.name not in texts and path.name not in without:
            (folder / path.name).symlink_to(path)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return replace(evidence, folder=folder)
