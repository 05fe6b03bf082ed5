"""Texts that a reader may hold a report against, by name and jurisdiction; what they ask is theirs to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.decision import Product

_BOTH: Final = tuple(Product)


@dataclass(frozen=True, slots=True)
class Norm:
    """A text, where it holds, and the products it may concern.

    Parameters
    ----------
    jurisdiction : key of a message.
    """

    name: str
    jurisdiction: str
    products: tuple[Product, ...] = _BOTH


NORMS: Final = (
    Norm("SR 26-2", "us"),
    Norm("PRA SS1/23", "uk"),
    Norm("商业银行互联网贷款管理暂行办法", "cn", (Product.LOAN,)),
    Norm("JR/T 0221-2021", "cn"),
    Norm("PIPL art. 24（个人信息保护法第二十四条）", "cn"),
    Norm("GDPR art. 22", "eu"),
    Norm("EU AI Act annex III 5(b)", "eu", (Product.LOAN,)),
    Norm("12 CFR 1002.9 (Regulation B)", "us", (Product.LOAN,)),
)
"""In the order they are listed. SR 26-2 supersedes SR 11-7; annex III 5(b) excludes the detection of fraud."""
