"""A page on paper and on a narrow screen, by a real browser: pages are counted, nothing runs over."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scoring.pages.render import POLICY, render
from scoring.pages.words import LANGS, Lang
from tests.scoring.pages.samples import sample, words

_NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in _NAMES if (found := shutil.which(name))), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium on the PATH; .ci/run installs it")

MEASURE = """<script>
document.fonts.load("15px 'Assay Sans'").then(loaded => {
const wide = [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll') && !e.closest('svg')
  && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(e => e.tagName + '.' + e.className);
parent.document.title = 'over=' + (document.documentElement.scrollWidth - document.documentElement.clientWidth)
  + ' wide=' + wide.join('|') + ' font=' + (loaded.length > 0);
});
</script>"""
"""Only in a copy of the page, whose policy is taken out."""


def browse(tmp_path: Path, *arguments: str) -> str:
    assert BROWSER is not None
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", *arguments],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("lang", LANGS)
def test_it_prints_whole_tables_on_numbered_a4_pages(lang: Lang, tmp_path: Path) -> None:
    page, pdf = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(render(sample(60), words(), lang), encoding="utf-8")
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", page.as_uri())
    printed = pdf.read_bytes()
    sizes = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed))
    assert {(round(float(width)), round(float(height))) for width, height in sizes} == {(595, 842)}
    # Three sections with a table of sixty rows; as many more rows under each picture are left to the screen.
    assert 10 <= len(re.findall(rb"/Type /Page\b(?!s)", printed)) <= 14


@pytest.mark.parametrize("width", [794, 390])
def test_nothing_runs_over_the_side(width: int, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    html = render(sample(), words(), "zh")
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    assert POLICY in html
    assert POLICY not in bare
    page.write_text(bare.replace("</body>", f"{MEASURE}</body>"), encoding="utf-8")
    framed = tmp_path / "frame.html"
    framed.write_text(
        f'<iframe src="page.html" style="width: {width}px; height: 900px; border: 0"></iframe>',
        encoding="utf-8",
    )  # fmt: skip
    shown = browse(
        tmp_path, "--allow-file-access-from-files", "--virtual-time-budget=20000", "--dump-dom", framed.as_uri()
    )
    found = re.search(r"<title>over=(-?\d+) wide=(.*) font=(\w+)</title>", shown)
    assert found is not None, shown[:300]
    assert (int(found[1]), found[2], found[3]) == (0, "", "true")


def test_the_policy_stops_a_script(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    html = render(sample(), words(), "en")
    page.write_text(html.replace("</body>", "<script>document.title = 'ran'</script></body>"), encoding="utf-8")
    assert "<title>ran</title>" not in browse(tmp_path, "--dump-dom", page.as_uri())
