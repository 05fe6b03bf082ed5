"""A page is one file that opens anywhere: nothing fetched, nothing run, readable by everybody; JSON says the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from domain.errors import DefinitionError
from scoring.pages import font
from scoring.pages.page import NONE_OF_THEM, Percent, Section, Statistics, table_of
from scoring.pages.render import HERE, POLICY, render, to_json
from scoring.pages.status import Statistic, Status
from scoring.pages.words import LANGS, Lang
from tests.scoring.pages.samples import sample, words

CATALOGUE = words()
PAGE = sample()


@pytest.fixture(scope="module", params=LANGS)
def lang(request: pytest.FixtureRequest) -> Lang:
    found: Lang = request.param
    return found


@pytest.fixture(scope="module")
def html(lang: Lang) -> str:
    return render(PAGE, CATALOGUE, lang)


class Tags(HTMLParser):
    """Tags in order, and their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag in names]


def test_nothing_is_run_and_nothing_is_fetched(html: str) -> None:
    tags = Tags(html)
    assert not tags.of("script", "link", "iframe", "object", "embed", "base", "form")
    assert not [name for _, attributes in tags.found for name in attributes if name.startswith("on")]
    targets = [each.get("href") or each.get("xlink:href") or each.get("src") for _, each in tags.found]
    assert all(target.startswith(("#", "data:")) for target in targets if target)
    assert any(str(target).startswith("data:image/png") for target in targets)  # the rasterised layer came along
    assert all(url.startswith(("data:", "#")) for url in re.findall(r"url\(['\"]?([^)]*)", html))
    assert f'http-equiv="Content-Security-Policy" content="{POLICY}"' in html
    assert "default-src 'none'" in POLICY
    assert len(html.encode()) < 3_000_000


def test_ids_are_single_and_every_reference_has_its_target(html: str) -> None:
    tags = Tags(html)
    ids = Counter(each["id"] for _, each in tags.found if each.get("id"))
    assert [name for name, n in ids.items() if n > 1] == []
    asked = set(re.findall(r"(?:href=\"|url\()#([^\")]+)", html))
    labels = {one for _, each in tags.found for one in str(each.get("aria-labelledby") or "").split()}
    assert asked | labels <= set(ids)
    assert len(asked) > 5


def test_pictures_tell_what_they_show_and_have_their_numbers(html: str, lang: Lang) -> None:
    pictures = [each for each in Tags(html).of("svg") if each.get("role") == "img"]
    assert len(pictures) == 6
    assert html.count("<figure") == html.count("<details>") == 6
    # Text stays text: it can be searched and read aloud, in the language of the page.
    assert html.count(CATALOGUE.message("t.x")[lang]) >= 6
    assert "<metadata>" not in html


def test_headings_go_down_one_step_at_a_time(html: str) -> None:
    levels = [int(tag[1]) for tag, _ in Tags(html).found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert levels.count(1) == 1


def test_words_are_escaped_and_the_language_is_told(html: str, lang: Lang) -> None:
    assert f'<html lang="{"zh-Hans" if lang == "zh" else "en"}">' in html
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "quiet &amp; small" in html


def test_a_status_is_a_word_and_a_shape(html: str, lang: Lang) -> None:
    for status in Status:
        word = CATALOGUE.message(f"page.{status.name.lower()}")[lang]
        assert re.search(rf'href="#mark-{status.name.lower()}"/></svg>{word}</span>', html)


def test_the_same_page_gives_the_same_bytes(html: str, lang: Lang) -> None:
    assert render(sample(), CATALOGUE, lang) == html


def test_json_has_the_numbers_of_the_page(html: str, lang: Lang) -> None:
    whole = to_json(PAGE, CATALOGUE, lang)
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole
    first = whole["sections"][0]
    assert [(each["key"], each["value"], each["status"]) for each in first["statistics"]] == [
        ("auc", 0.6812, "amber"), ("good", 0.8, "pass"), ("few", None, "not assessed"),
    ]  # fmt: skip
    tables = {block["key"]: block for block in first["blocks"] if block["kind"] == "table"}
    assert tables["months"]["rows"][0] == ["2026-01", 0.7, 1000]
    assert tables["judged"]["statuses"] == ["red"]
    assert next(block for block in first["blocks"] if block["kind"] == "picture")["table"]["rows"][1][2] == 1001
    assert whole["status"] == first["status"] == "red"
    assert ">0.681<" in html.replace("\n", "")


def test_a_key_given_twice_is_refused() -> None:
    double = Statistics((Statistic("auc", "AUC", 0.7), Statistic("auc", "AUC", 0.8)))
    with pytest.raises(DefinitionError, match=r"section one: .* got auc again"):
        render(replace(PAGE, sections=(Section("one", "one", (double,)),)), CATALOGUE, "en")


def test_shares_stand_at_the_right_in_per_cent_and_days_and_words_are_not_broken() -> None:
    days = [("2026-11-30", "a word that is longer than a few letters", Percent(share), None, mark, 1, 2, 3, 4)
            for share, mark in ((0.25, Percent(0.5)), (0.031, NONE_OF_THEM))]  # fmt: skip
    days = [(*row[:-1], "acceptable") for row in days]
    table = table_of("days", "days", ["day", "word", "share", "none", "mark", *"abcd"], days)
    page = replace(PAGE, sections=(Section("one", "one", (table,)),))
    html = render(page, CATALOGUE, "en").split("<main>")[1].replace("\n", "")
    kinds = {text: kind for kind, text in re.findall(r'<td class="([^"]*)">([^<]+)</td>', html)}
    assert [kinds.get(text) for text in ("25%", "3.1%", "50%", NONE_OF_THEM, "—")] == ["number"] * 5
    assert kinds["2026-11-30"] == kinds["acceptable"] == "short"
    assert not kinds["a word that is longer than a few letters"]
    assert to_json(page, CATALOGUE, "en")["sections"][0]["blocks"][0]["rows"][0][2] == 0.25


def test_nan_is_told_as_nothing() -> None:
    one = Statistics((Statistic("auc", "AUC", float("nan"), float("nan"), 1.0),))
    page = replace(PAGE, sections=(Section("one", "one", (one,)),))
    assert to_json(page, CATALOGUE, "en")["sections"][0]["statistics"][0]["value"] is None
    assert "nan" not in render(page, CATALOGUE, "en").split("<main>")[1]


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_colour_of_text_stands_out() -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 against the white and the faint ground."""
    css = (HERE / "page.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", css))
    assert {"ink", "soft", "pass", "amber", "red", "none", "calm"} <= set(colours)
    for name in set(colours) - {"line", "faint"}:
        for ground in ("#ffffff", colours["faint"]):
            contrast = (_luminance(ground) + 0.05) / (_luminance(colours[name]) + 0.05)
            assert contrast >= 4.5, (name, ground, contrast)


def test_the_font_holds_every_character_that_is_said() -> None:
    lacking = sorted(font.wanted() - font.held())
    assert not lacking, f"run python -m scoring.pages.font: the font lacks {''.join(lacking)}"
    assert font.FILE.stat().st_size <= 300_000
    assert "OPEN FONT LICENSE" in (font.FOLDER / "OFL.txt").read_text(encoding="utf-8")


def test_a_page_carries_only_the_characters_it_shows() -> None:
    few = font.data_url(frozenset("违约 0.5"))
    assert len(few) < 8_000 < len(font.data_url(frozenset(font.held())))
