"""What a feature means, in Chinese too: the English that `features.describing` puts together, read phrase by phrase.

    number of failed events over the 1h before: authentication events of the customer
    客户的authentication事件：failed事件数，此前1h

Names of columns, kinds and conditions are identifiers and stay. A sentence that no phrase fits stays English.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final, cast

from scoring.pages.words import Both
from stores.settings_files import read_yaml

FILE: Final = Path(__file__).with_name("meanings.yaml")
"""Sentences that are declared as a whole."""

_ENTITIES = {
    "account": "账户", "borrower": "借款人", "card": "卡", "channel": "渠道", "currency": "币种", "customer": "客户",
    "device": "设备", "ip": "IP地址", "merchant": "商户", "payee": "收款人", "terminal": "终端",
}  # fmt: skip

_EVENTS = re.compile(r"(?P<line>.+): (?P<source>\w+) events of the (?P<entity>\w+)")
_WINDOWS = (
    (r"(.+) over the (\w+) before, divided by that over the (\w+) before", "{0}，此前{1}与此前{2}之比"),
    (r"(.+) over the (\w+) before, each at half weight after (\w+)", "{0}，此前{1}，每过{2}权重减半"),
    (r"(.+) over the (\w+) before", "{0}，此前{1}"),
)
_LINES = (
    (r"number of events", "事件数"),
    (r"number of (\w+) events in a row up to the last", "截至最近一次连续的{0}事件数"),
    (r"number of (\w+) events", "{0}事件数"),
    (r"number of different values of (\w+)", "{0}不同取值的个数"),
    (r"number of different neighbours of (\w+)", "{0}的不同邻居数"),
    (r"number of different (\w+) other than the request's", "本次请求之外的不同{0}个数"),
    (r"mean of the time between successive events", "相邻事件间隔的均值"),
    (r"(?:mean|average) of the last (\d+) values of (\w+)", "最近{0}个{1}的均值"),
    (r"max of the last (\d+) values of (\w+)", "最近{0}个{1}的最大值"),
    (r"min of the last (\d+) values of (\w+)", "最近{0}个{1}的最小值"),
    (r"mean, drawn towards ([\d.]+) with the weight of (\d+) events, of (\w+)", "{2}的均值，以{1}个事件的权重拉向{0}"),
    (r"mean of (\w+)", "{0}的均值"),
    (r"sum over (\w+) events of (\w+)", "{0}事件的{1}之和"),
    (r"sum of (\w+)", "{0}之和"),
    (r"newest value of (\w+)", "{0}的最新值"),
    (r"largest value of (\w+)", "{0}的最大值"),
    (r"smallest value of (\w+)", "{0}的最小值"),
    (r"sample standard deviation of (\w+)", "{0}的样本标准差"),
    (r"share of (\w+) events", "{0}事件的占比"),
    (r"slope per day of (\w+)", "{0}每天的斜率"),
    (r"seconds since the last event", "距最近事件的秒数"),
    (r"seconds since the last (\w+) event", "距最近{0}事件的秒数"),
    (r"seconds since the request's (\w+) was first seen", "本次请求的{0}首次出现以来的秒数"),
    (r"1 when the request's (\w+) was not seen before", "本次请求的{0}此前未见则为1"),
    (r"kilometres per hour from the last event with coordinates", "自最近有坐标事件以来的时速（公里）"),
    (r"kilometres from the last event with coordinates", "距最近有坐标事件的公里数"),
    (r"deviance of the time of day from the profile", "当日时刻偏离画像的程度"),
    (r"fold (\d+) train", "第{0}折训练"),
    (r"fold (\d+) valid", "第{0}折验证"),
    (r"amount, in (\w+)", "金额（{0}）"),
    (r"income monthly, in (\w+)", "月收入（{0}）"),
    (r"debt monthly, in (\w+)", "月还债额（{0}）"),
)


def meaning(doc: str) -> Both | str:
    """The sentence in both languages, or as it is where it cannot be said in Chinese.

    Examples
    --------
    >>> cast(Both, meaning("mean of amount over the 7d before: loan events of the borrower")).zh
    '借款人的loan事件：amount的均值，此前7d'
    >>> meaning("what nobody has translated")
    'what nobody has translated'
    """
    whole = _declared().get(doc)
    if whole is not None:
        return Both(whole, doc)
    events = _EVENTS.fullmatch(doc)
    if events is None:
        line = _line(doc)
        return doc if line is None else Both(line, doc)
    line, entity = _windowed(events["line"]), _ENTITIES.get(events["entity"])
    return doc if line is None or entity is None else Both(f"{entity}的{events['source']}事件：{line}", doc)


def counted(text: str) -> Both | str:
    """Counts of rows by label status or rule, as ``parts.csv`` has them, in both languages.

    Examples
    --------
    >>> cast(Both, counted("1,101 censored, 3 excluded")).zh
    '1,101删失，3排除'
    """
    each = [re.fullmatch(r"([\d,]+) (.+)", part) for part in text.split(", ")]
    if not all(each):
        return text
    return Both("，".join(f"{found[1]}{_declared().get(found[2], ' ' + found[2])}" for found in each if found), text)


def _windowed(text: str) -> str | None:
    for pattern, zh in _WINDOWS:
        found = re.fullmatch(pattern, text)
        if found is not None:
            line = _line(found[1])
            return None if line is None else zh.format(line, *found.groups()[1:])
    return _line(text)


def _line(text: str) -> str | None:
    for pattern, zh in _LINES:
        found = re.fullmatch(pattern, text)
        if found is not None:
            return zh.format(*found.groups())
    return None


@lru_cache(maxsize=1)
def _declared() -> dict[str, str]:
    return cast("dict[str, str]", read_yaml(FILE))
