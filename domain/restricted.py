"""The restricted class: what comes of anti-money-laundering work and must not be seen outside it (no tipping-off).

Its names and words are refused where they could reach an answer: as features of a model and in the texts of reasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAMES = frozenset({"aml", "laundering", "pep", "sanction", "sanctions", "sar"})
"""Parts of a name, between underscores."""

_WORDS = re.compile(
    r"\b(aml|sars?|peps?)\b|launder|terroris|sanctions? (list|hit|screening)|suspicious[- ](transaction|activity)"
    r"|large[- ]value report|洗钱|反恐|恐怖|涉恐|可疑交易|大额交易报告|制裁名单|政治公众人物",
    re.IGNORECASE,
)


def restricted_names(names: Iterable[str]) -> list[str]:
    """Names of features, groups or patterns that belong to the restricted class.

    Examples
    --------
    >>> restricted_names(["amount", "x_aml_hits", "customer_sar_count_30d", "samples", "card_pep*"])
    ['x_aml_hits', 'customer_sar_count_30d', 'card_pep*']
    """
    return [name for name in names if _NAMES & set(re.split(r"[^a-z]+", name.lower()))]


def restricted_texts(texts: Iterable[str]) -> list[str]:
    """Texts that speak of it.

    Examples
    --------
    >>> restricted_texts(["Payments at an unusual pace", "AML alert on the payee", "付款涉及可疑交易报告"])
    ['AML alert on the payee', '付款涉及可疑交易报告']
    """
    return [text for text in texts if _WORDS.search(text)]
