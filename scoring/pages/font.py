"""The pages' own font: a page reads the same on a machine without Chinese fonts, and pictures measure what is shown.

Noto Sans CJK SC, cut down to the characters of our messages and reasons, the commonest of Chinese, and Latin. A page
carries only the characters it shows.

Make the file anew, after a message brought a character it lacks (Debian: apt-get install fonts-noto-cjk):

    python -m scoring.pages.font
"""

from __future__ import annotations

import argparse
import base64
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from domain.errors import Unavailable
from scoring.pages.words import Catalogue

FOLDER: Final = Path(__file__).parent / "fonts"
SOURCE: Final = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
FACE: Final = "Noto Sans CJK SC"

FAMILY: Final = "Assay Sans"
FILE: Final = FOLDER / "AssaySans.otf"

ROOT: Final = Path(__file__).parents[2]
MESSAGES: Final = (
    ROOT / "scoring" / "pages" / "messages",
    ROOT / "training" / "intake" / "messages",
    ROOT / "training" / "report" / "messages",
    ROOT / "monitoring" / "oversight" / "messages",
)
"""Folders of the messages of every page."""

_LATIN = {*map(chr, range(0x20, 0x7F)), *"  ¡£¥§©«°±²³µ·¹»¿×÷éöü"}
_GREEK = {*map(chr, (*range(0x391, 0x3A2), *range(0x3A3, 0x3AA), *range(0x3B1, 0x3CA)))}
_SIGNS = set(
    "–—‘’“”…‰′″€№™←↑→↓⇒∂∆∏∑−√∞∫≈≠≤≥①②③④⑤■□▲△▼◆◇○◎●★☆✓、。〈〉《》「」『』【】〔〕〜！％（）＋，．／：；＝？～￥"
)
_FEATURES = ["kern", "halt"]


def wanted(messages: Iterable[Path] = MESSAGES, configs: Path = ROOT / "configs") -> set[str]:
    """Characters that the font must hold: of messages, of settings with Chinese, of ``fonts/characters.txt``."""
    lines = (FOLDER / "characters.txt").read_text(encoding="utf-8").splitlines()
    found = {character for line in lines if not line.startswith("#") for character in line}
    found |= Catalogue.read(messages).characters()
    more = (ROOT / "scoring" / "pages" / "meanings.yaml", ROOT / "scoring" / "pages" / "values.yaml")
    for path in [*sorted(configs.rglob("*.yaml")), *more]:
        found |= set(path.read_text(encoding="utf-8"))
    return (found | _LATIN | _GREEK | _SIGNS) - set("\n\t\r\u3000")


@lru_cache(maxsize=1)
def held() -> frozenset[str]:
    """Characters that the committed file holds."""
    from fontTools.ttLib import TTFont

    with TTFont(FILE, lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


def write(source: Path = SOURCE, path: Path = FILE) -> int:
    """Make the file anew; its size in bytes.

    Raises
    ------
    Unavailable
        When the whole font is not on this machine.
    """
    from fontTools.ttLib import TTCollection

    if not source.is_file():
        raise Unavailable(f"{source}: expected Noto Sans CJK, found none; apt-get install fonts-noto-cjk")
    with TTCollection(str(source), lazy=True) as whole:
        font = next(each for each in whole.fonts if each["name"].getDebugName(1) == FACE)
        font.recalcTimestamp = False
        _cut(font, wanted())
        _rename(font)
        font.save(path)
    return path.stat().st_size


@lru_cache(maxsize=8)
def data_url(characters: frozenset[str]) -> str:
    """The font with no more than these characters, as a data: URL (WOFF)."""
    from fontTools.ttLib import TTFont

    buffer = BytesIO()
    with TTFont(FILE, lazy=True, recalcTimestamp=False) as font:
        _cut(font, characters & held())
        font.flavor = "woff"
        font.save(buffer)
    return f"data:font/woff;base64,{base64.b64encode(buffer.getvalue()).decode()}"


@lru_cache(maxsize=1)
def known_to_matplotlib() -> None:
    """Make the font known to matplotlib, so that it measures text as the page will show it."""
    from matplotlib import font_manager

    font_manager.fontManager.addfont(FILE)


def _cut(font: Any, characters: Iterable[str]) -> None:
    from fontTools import subset

    options = subset.Options()
    options.hinting = False
    options.layout_features = _FEATURES
    options.name_IDs = ["*"]
    options.notdef_outline = True
    options.drop_tables += ["BASE", "VORG", "vhea", "vmtx"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[ord(character) for character in sorted(characters)])
    cutter.subset(font)


def _rename(font: Any) -> None:
    """A changed font must not carry the name of the original (SIL Open Font License, 3)."""
    names = {1: FAMILY, 2: "Regular", 3: f"{FAMILY} Regular", 4: f"{FAMILY} Regular", 6: FAMILY.replace(" ", "")}
    table = font["name"]
    for record in list(table.names):
        if record.nameID > 14 or record.platformID != 3 or record.langID != 0x409:
            table.removeNames(record.nameID, record.platformID, record.platEncID, record.langID)
        elif record.nameID in names:
            table.setName(names[record.nameID], record.nameID, 3, record.platEncID, record.langID)
    cff = font["CFF "].cff
    cff.fontNames = [names[6]]
    cff[0].FamilyName, cff[0].FullName = FAMILY, names[4]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the font anew and say how large it is."""
    parser = argparse.ArgumentParser(prog="python -m scoring.pages.font", description=main.__doc__)
    parser.add_argument("--source", type=Path, default=SOURCE, help="the whole Noto Sans CJK collection")
    size = write(parser.parse_args(arguments).source)
    sys.stdout.write(f"{FILE.name}: {size:,} bytes, {len(held()):,} characters\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
