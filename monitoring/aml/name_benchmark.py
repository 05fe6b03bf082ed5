"""How well names are matched: a made-up list, planted variants of its names, and near misses that are other people.

variant    traditional characters, reading, order, initials, marks, a slip of spelling, an alias, joined syllables
near miss  another given name, another surname, a homophone, a brother, with another date of birth
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from monitoring.aml.name_list import Entry, Person
from monitoring.aml.names import _simplified, syllables
from monitoring.aml.screening import match
from monitoring.aml.settings import ScreeningSettings
from scoring.interval import wilson

_SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰飞红建国庆文晓志鹏宇浩凯婷雪琳辉"
_FIRST: Final = [
    "John",
    "Maria",
    "José",
    "Ahmed",
    "Fatima",
    "Ivan",
    "Olga",
    "Pedro",
    "Lucía",
    "Hans",
    "Jürgen",
    "Sofia",
    "Mohammed",
    "Yusuf",
    "Elena",
    "Dmitri",
    "Karl",
    "André",
    "Zoë",
    "Nguyen",
    "Thomas",
    "William",
    "Catherine",
    "Stephen",
    "Alexander",
    "Michael",
    "Daniel",
    "Gabriel",
    "Natalia",
    "Viktor",
]
_LAST: Final = [
    "Smith",
    "García",
    "Müller",
    "Ivanov",
    "Petrov",
    "Hassan",
    "Rashid",
    "Fernández",
    "Schneider",
    "Kowalski",
    "Nowak",
    "Rossi",
    "Bianchi",
    "Dubois",
    "Lefèvre",
    "Johansson",
    "Andersen",
    "O'Brien",
    "MacDonald",
    "Rodríguez",
    "Silva",
    "Santos",
    "Okafor",
    "Mensah",
    "Haddad",
    "Khoury",
    "Popescu",
    "Horváth",
    "Novák",
    "Yilmaz",
]

_HOMOPHONES: Final = {
    "wei": "伟威", "fang": "芳方", "min": "敏民", "jing": "静晶", "li": "丽莉", "qiang": "强墙", "lei": "磊蕾",
    "jun": "军君", "yang": "洋阳", "yong": "勇永", "yan": "艳燕", "jie": "杰洁", "juan": "娟捐", "tao": "涛桃",
    "ming": "明铭", "chao": "超潮", "xiu": "秀修", "xia": "霞侠", "ping": "平萍", "gang": "刚钢", "gui": "桂贵",
    "ying": "英莹", "hua": "华花", "yu": "玉宇", "lan": "兰岚", "fei": "飞菲", "hong": "红洪", "jian": "建健",
    "guo": "国果", "qing": "庆青", "wen": "文雯", "xiao": "晓小", "zhi": "志智", "peng": "鹏朋", "hao": "浩豪",
}  # fmt: skip
_WADE_GILES: Final = (
    ("zh", "ch"), ("x", "hs"), ("q", "ch"), ("j", "ch"), ("g", "k"), ("d", "t"), ("b", "p"), ("c", "ts"), ("r", "j"),
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """Of one kind of planted case: how many, and how many were hits; with a 95 % interval of their share."""

    kind: str
    planted: bool
    n: int
    n_hits: int
    low: float
    high: float


def benchmark(settings: ScreeningSettings, *, n: int, seed: int) -> tuple[Measured, ...]:
    """Plant n cases of each kind among a list of as many names, and count the hits on the entry they come from."""
    random = np.random.default_rng(seed)
    han = [_han(random) for _ in range(n)]
    latin = [(str(random.choice(_FIRST)), str(random.choice(_LAST))) for _ in range(n)]
    births = [
        f"{random.integers(1940, 2000)}-{random.integers(1, 13):02}-{random.integers(1, 29):02}" for _ in range(n)
    ]
    entries = [Entry(f"h{k}", (han[k],), (births[k],), "") for k in range(n)]
    entries += [Entry(f"l{k}", (" ".join(latin[k]), f"{latin[k][1]} alias{k}"), (births[k],), "") for k in range(n)]
    found = []
    for kind, (planted, script, make) in _KINDS.items():
        names = han if script == "h" else latin
        people = [Person(f"{script}{k}", make(names[k], random), _birth(kind, births[k])) for k in range(n)]
        hit = {(each.person.customer_id, each.entry.entry_id) for each in match(people, entries, settings)}
        own = sum((person.customer_id, person.customer_id) in hit for person in people)
        found.append(Measured(kind, planted, n, own, *wilson(own, n, 0.95)))
    return tuple(found)


def recall(measured: tuple[Measured, ...]) -> tuple[float, float, float]:
    """Share of planted cases that were hits, with its interval."""
    planted = [each for each in measured if each.planted]
    k, n = sum(each.n_hits for each in planted), sum(each.n for each in planted)
    return (k / n, *wilson(k, n, 0.95))


def precision(measured: tuple[Measured, ...]) -> tuple[float, float, float]:
    """Share of hits that were planted cases, at as many near misses as stand in the table."""
    k = sum(each.n_hits for each in measured if each.planted)
    n = sum(each.n_hits for each in measured)
    return (k / n, *wilson(k, n, 0.95)) if n else (float("nan"), 0.0, 1.0)


def _han(random: np.random.Generator) -> str:
    given = "".join(random.choice(list(_GIVEN), size=int(random.integers(1, 3))))
    return str(random.choice(list(_SURNAMES))) + given


def _birth(kind: str, birth: str) -> str:
    if kind.endswith("other birth"):
        return f"{int(birth[:4]) + 17}{birth[4:]}"
    return birth if kind.endswith("birth known") else ""


def _traditional(name: str, random: np.random.Generator) -> str:
    del random
    back = {simple: old for old, simple in _simplified().items() if simple != old}
    return "".join(back.get(each, each) for each in name)


def _read(name: str, random: np.random.Generator) -> str:
    surname, *given = syllables(name)
    return f"{''.join(given)} {surname}".title() if random.random() < 0.5 else f"{surname} {' '.join(given)}".upper()


def _homophone(name: str, random: np.random.Generator) -> str:
    """The last character written as another one of the same reading, where the small stock of them holds one."""
    del random
    same = [each for each in _HOMOPHONES.get(syllables(name)[-1], "") if each != name[-1]]
    return name[:-1] + same[0] if same else name


def _wade_giles(name: str, random: np.random.Generator) -> str:
    del random
    surname, *given = (_turned(each) for each in syllables(name))
    return f"{surname} {'-'.join(given)}".title()


def _turned(syllable: str) -> str:
    for pinyin, other in _WADE_GILES:
        if syllable.startswith(pinyin):
            return other + syllable[len(pinyin) :]
    return syllable


def _other(letters: str, place: int) -> Callable[[str, np.random.Generator], str]:
    """A name with another character at a place, that is read otherwise."""

    def make(name: str, random: np.random.Generator) -> str:
        others = [each for each in letters if syllables(each) != syllables(name[place])]
        fresh = str(random.choice(others))
        return fresh + name[1:] if place == 0 else name[:-1] + fresh

    return make


def _plain(name: tuple[str, str], random: np.random.Generator) -> str:
    del random
    bare = unicodedata.normalize("NFD", " ".join(name))
    return "".join(each for each in bare if not unicodedata.combining(each)).upper()


def _slip(name: tuple[str, str], random: np.random.Generator) -> str:
    """Two letters of the surname change places, or one is left out; never the first."""
    last = name[1]
    at = int(random.integers(1, len(last) - 1))
    slipped = (
        last[:at] + last[at + 1] + last[at] + last[at + 2 :] if random.random() < 0.5 else last[:at] + last[at + 1 :]
    )
    return f"{name[0]} {slipped}"


def _other_first(name: tuple[str, str], random: np.random.Generator) -> str:
    return f"{random.choice([each for each in _FIRST if each[0] != name[0][0]])} {name[1]}"


def _other_last(name: tuple[str, str], random: np.random.Generator) -> str:
    return f"{name[0]} {random.choice([each for each in _LAST if each != name[1]])}"


_KINDS: Final[dict[str, tuple[bool, str, Callable[..., str]]]] = {
    "Chinese, the same": (True, "h", lambda name, _: name),
    "Chinese, traditional": (True, "h", _traditional),
    "Chinese, by its reading": (True, "h", _read),
    "Latin, order turned": (True, "l", lambda name, _: f"{name[1]}, {name[0]}"),
    "Latin, initial": (True, "l", lambda name, _: f"{name[0][0]}. {name[1]}"),
    "Latin, no marks, capitals": (True, "l", _plain),
    "Latin, a slip of spelling": (True, "l", _slip),
    "Latin, a slip, birth known": (True, "l", _slip),
    "Latin, second name added": (True, "l", lambda name, _: f"{name[0]} Quentin {name[1]}"),
    "Latin, two slips": (
        True,
        "l",
        lambda name, random: _slip((_slip(("", name[0]), random).strip(), name[1]), random),
    ),
    "Chinese, a homophone written": (True, "h", _homophone),
    "Chinese, Wade-Giles": (True, "h", _wade_giles),
    "Chinese, a homophone, birth known": (True, "h", _homophone),
    "Chinese, another given name": (False, "h", _other(_GIVEN, -1)),
    "Chinese, another surname": (False, "h", _other(_SURNAMES, 0)),
    "Chinese, reading, other birth": (False, "h", _read),
    "Latin, another first name": (False, "l", _other_first),
    "Latin, another surname": (False, "l", _other_last),
    "Latin, a slip, other birth": (False, "l", _slip),
}
"""Kind → whether it is a planted variant, of which names, and how a name of the list becomes one."""
