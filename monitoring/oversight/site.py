"""The site as files: an index and a page for each station, in each language, and the same numbers as JSON.

out/index.zh.html  index.en.html  index.json
out/KEY.zh.html    KEY.en.html    KEY.json
out/restricted/…   the same for the restricted class, only where it was asked for, and for its owner's eyes alone
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from domain.errors import DataError, ModelError
from domain.time import from_micros, zone_of
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan, plans
from scoring.pages.font import MESSAGES
from scoring.pages.page import Facts, Link, Links, Page, Section, Statistics
from scoring.pages.render import render, to_json
from scoring.pages.status import not_assessed
from scoring.pages.words import LANGS, Catalogue, Lang, say
from stores.private_files import write_private

RESTRICTED: Final = "restricted"


def write_site(look: Look, out: Path, *, langs: Sequence[Lang] = LANGS, restricted: bool = False) -> dict[str, Page]:
    """Write the site; key → page, with the index under ``index``.

    A station whose data stops it stands in the site all the same, not assessed, with the reason.

    Parameters
    ----------
    restricted : also write the pages of the restricted class, into a folder of their own with an index of its own.
    """
    words = catalogue()
    made = pages_of(look, plans())
    _write(words, made, look, out, langs)
    if restricted:
        _write(words, pages_of(look, plans(restricted=True)), look, out / RESTRICTED, langs, private=True)
    return made


def pages_of(look: Look, planned: Sequence[PagePlan]) -> dict[str, Page]:
    """The pages of some plans, and the index of them."""
    made = {plan.key: _page(plan, look) for plan in planned}
    return {"index": index(look, planned, made), **made}


def index(look: Look, planned: Sequence[PagePlan], made: Mapping[str, Page]) -> Page:
    """The first page: every other one with its status and what it found."""
    links = Links("pages", say("oversight.pages"), tuple(Link(p.key, p.title, made[p.key].status) for p in planned))
    # A finding keeps its own key within its page; here it stands among those of others.
    told = tuple(
        replace(finding, key=f"{plan.key}-{section.key}-{finding.key}")
        for plan in planned
        for section in made[plan.key].sections
        for finding in section.findings
    )
    sections = [Section("site", say("oversight.site"), (links,))]
    if told:
        sections.append(Section("findings", say("oversight.findings"), told))
    return Page(say("oversight.kind"), say("oversight.subject"), _facts(look), tuple(sections))


def catalogue() -> Catalogue:
    """The words of the site, in Chinese and English."""
    return Catalogue.read(MESSAGES)


def _page(plan: PagePlan, look: Look) -> Page:
    try:
        sections = plan.build(look)
    except (DataError, ModelError) as error:
        why = say("oversight.broken", why=str(error))
        missing = Statistics((not_assessed("page", say("oversight.this_page"), why),))
        sections = (Section(plan.key, plan.title, (missing,), not_run=(why,)),)
    return Page(say("oversight.kind"), plan.title, _facts(look), sections)


def _facts(look: Look) -> Facts:
    zone = zone_of(look.platform.time_zone)
    since, until = (from_micros(each).astimezone(zone) for each in (look.since, look.until))
    period = f"{since:%Y-%m-%d %H:%M} – {until:%Y-%m-%d %H:%M} {look.platform.time_zone}"
    return Facts("look", ((say("oversight.period"), period), (say("oversight.home"), look.home.root.name)))


def _write(
    words: Catalogue, made: Mapping[str, Page], look: Look, out: Path, langs: Sequence[Lang], *, private: bool = False
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    if private:
        out.chmod(0o700)
    write = write_private if private else _write_text
    for key, page in made.items():
        for lang in langs:
            write(out / f"{key}.{lang}.html", render(page, words, lang))
        told: dict[str, Any] = {
            "since": look.since,
            "until": look.until,
            **to_json(page, words, "en"),
            "zh": to_json(page, words, "zh"),
        }
        text = json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False)
        write(out / f"{key}.json", text + "\n")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
