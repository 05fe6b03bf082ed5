"""A picture as inline SVG: drawn in the house style, text as text, the same bytes each time, its ids its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Final

from scoring.pages.font import known_to_matplotlib
from scoring.pages.page import Picture
from scoring.pages.words import Tongue

STYLE: Final = Path(__file__).parent / "house.mplstyle"
WIDEST: Final = 7.2
"""Inches; what fits between the margins of an A4 page."""

_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_ROOT = re.compile(r"<svg\b[^>]*?viewBox=\"(?P<box>[^\"]+)\"[^>]*>", re.DOTALL)
_LEFT_OUT = re.compile(r"<metadata>.*?</metadata>\s*|<style type=\"text/css\">.*?</style>", re.DOTALL)


def svg_of(picture: Picture, tongue: Tongue, prefix: str) -> str:
    """The picture as an ``<svg>`` element.

    Parameters
    ----------
    prefix : before every id, so that pictures of one page do not share any.

    Raises
    ------
    ValueError
        When it is wider than a page; whoever draws it has to change that.
    """
    with _drawn(picture, tongue) as figure:
        width = float(figure.get_size_inches()[0])
        if width > WIDEST + 1e-6:
            raise ValueError(f"picture {picture.key}: expected at most {WIDEST} inches, got {width:g}")
        written = StringIO()
        figure.savefig(written, format="svg", metadata=_NO_METADATA)
    return _inline(written.getvalue(), tongue(picture.title), tongue(picture.description), prefix, width)


def png_of(picture: Picture, tongue: Tongue, dpi: int = 110) -> bytes:
    """The picture as a PNG file, for a notebook."""
    with _drawn(picture, tongue) as figure:
        written = BytesIO()
        figure.savefig(written, format="png", dpi=dpi, metadata={"Software": None})
    return written.getvalue()


@contextmanager
def _drawn(picture: Picture, tongue: Tongue) -> Iterator[Any]:
    """The figure, in the house style until the block ends: much is drawn only when it is written."""
    import matplotlib as mpl

    known_to_matplotlib()
    with mpl.rc_context(fname=str(STYLE)):
        yield picture.draw(tongue)


def _inline(svg: str, title: str, description: str, prefix: str, width: float) -> str:
    svg = _LEFT_OUT.sub("", svg[svg.index("<svg") :])
    svg = re.sub(r'(\bid=")', rf"\g<1>{prefix}-", svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    found = _ROOT.match(svg)
    if found is None:
        raise ValueError(f"picture {prefix}: expected an <svg> element with a viewBox, got {svg[:80]!r}")
    root = (
        f'<svg viewBox="{found["box"]}" role="img" aria-labelledby="{prefix}-title {prefix}-desc" '
        f'style="width: {width:g}in" xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink">'
        f'<title id="{prefix}-title">{escape(title)}</title><desc id="{prefix}-desc">{escape(description)}</desc>'
    )
    return root + svg[found.end() :].rstrip()
