"""A notice as text and as one HTML page that needs nothing else and prints on one A4 sheet."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from scoring.notice import Notice
from scoring.pages.words import Catalogue, Lang, say

_TEMPLATE = Path(__file__).parent / "notice.html"
MESSAGES = Path(__file__).parent / "pages" / "messages"

_HTML_LANG = {"zh": "zh-CN", "en": "en"}


def as_html(notice: Notice, lang: Lang) -> str:
    """The page in one language; every value is escaped."""
    from jinja2 import Environment, StrictUndefined

    engine = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    return engine.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(_said(notice, lang))


def as_text(notice: Notice, lang: Lang) -> str:
    """The same words in lines, for a letter or an e-mail."""
    said = _said(notice, lang)
    colon = "：" if lang == "zh" else ": "
    lines = [said["creditor"], said["address"], "", said["issued"], "", said["title"], "", said["opening"], ""]
    lines += [f"{name}{colon}{value}" for name, value in said["facts"]]
    lines += ["", said["reasons_title"]]
    lines += [f"{number}. {reason}" for number, reason in enumerate(said["reasons"], 1)] or [said["no_reason"]]
    lines += ["", said["review_title"], said["review_text"]]
    lines += [f"{name}{colon}{value}" for name, value in said["contact"]]
    for text in (*said["statements"], *([said["norms"]] if said["norms"] else [])):
        lines += ["", text]
    return "\n".join(lines) + "\n"


def _said(notice: Notice, lang: Lang) -> dict[str, Any]:
    """Everything that the page shows, in one language."""
    tongue = Catalogue.read([MESSAGES]).tongue(lang)

    def word(key: str, **values: Any) -> str:
        return tongue(say(f"notice.{key}", **values))

    def own(thing: Any, name: str = "") -> str:
        return str(getattr(thing, f"{name}_{lang}" if name else lang))

    review, kind = notice.review, notice.kind
    contact = [("phone", review.phone), ("email", review.email)]
    contact += [("post", own(review, "post") if review.post_zh else None)]
    contact += [("hours", own(review, "hours") if review.hours_zh else None)]
    norms = [word("norm", name=own(norm), jurisdiction=own(norm, "jurisdiction")) for norm in notice.norms]
    return {
        "html_lang": _HTML_LANG[lang],
        "creditor": own(notice.creditor, "name"),
        "address": own(notice.creditor, "address"),
        "title": word(f"title_{kind}"),
        "issued": word("issued", on=written_day(notice.issued_on, lang)),
        "opening": word(f"opening_{kind}", creditor=own(notice.creditor, "name")),
        "facts": [
            (word("reference"), notice.application),
            (word("decision"), notice.decision_id),
            (word("decided"), written_day(notice.decided_on, lang)),
            (word("outcome"), word(kind)),
        ],
        "reasons_title": word(f"reasons_{kind}"),
        "reasons": [own(reason) for reason in notice.reasons],
        "no_reason": word("no_reason"),
        "review_title": word("review"),
        "review_text": word("review_text"),
        "contact": [(word(key), value) for key, value in contact if value],
        "statements": [own(statement) for statement in notice.statements],
        "norms": word("norms", norms=("；" if lang == "zh" else "; ").join(norms)) if norms else "",
    }


def written_day(day: date, lang: Lang) -> str:
    """A date as people write it.

    Examples
    --------
    >>> written_day(date(2026, 3, 1), "en"), written_day(date(2026, 3, 1), "zh")
    ('1 March 2026', '2026年3月1日')
    """
    if lang == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    months = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
              "November", "December")  # fmt: skip
    return f"{day.day} {months[day.month - 1]} {day.year}"
