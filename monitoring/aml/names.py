"""Names as they can be compared: Chinese ones by character and by reading, Latin ones by words, each with the other.

text --NFKC, case, marks, titles--> characters (Chinese) or words (Latin) --> one similarity from 0 to 1
Chinese, Chinese   characters aligned; a variant is the same character, one of the same reading nearly so
Latin, Latin       words paired whatever their order; an initial stands for a word; the rest by Jaro-Winkler
Chinese, Latin     the readings of the first, surname first or last, joined or apart
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from pathlib import Path
from typing import Final

from stores.settings_files import read_yaml

SAME_READING: Final = 0.65
"""What a character is worth that only sounds the same (ours; measured by `assay aml names-benchmark`)."""

INITIAL: Final = 0.9
"""What an initial is worth that a word begins with."""

ACROSS: Final = 0.89
"""What a Latin spelling is worth that is exactly a Chinese name's reading: many names are read so."""

_HAN = re.compile(r"[㐀-鿿]")
_NOT_WORD = re.compile(r"[^a-z]+")
_TITLES: Final = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "haji", "sheikh", "the", "jr", "sr"})
_LETTERS: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
_LONGEST_PERMUTED: Final = 4


@dataclass(frozen=True, slots=True)
class Name:
    """A name ready to be compared.

    Parameters
    ----------
    han : its Chinese characters, simplified; empty for a Latin name. words : its Latin words, without marks.
    """

    han: str
    words: tuple[str, ...]

    @property
    def latin(self) -> str:
        """Latin words, or the commonest reading, sorted and joined: to sort out what cannot be alike."""
        return " ".join(sorted(self.words)) if self.words else " ".join(sorted(syllables(self.han)))


def name_of(text: str) -> Name:
    """A name from text.

    Examples
    --------
    >>> name_of("張 偉"), name_of("Dr. José  MÜLLER-Łuk")
    (Name(han='张伟', words=()), Name(han='', words=('jose', 'muller', 'luk')))
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    han = "".join(_simplified().get(each, each) for each in plain if _HAN.match(each))
    if han:
        return Name(han, ())
    bare = unicodedata.normalize("NFD", plain.translate(_LETTERS).replace("'", "").replace("’", ""))
    letters = "".join(each for each in bare if not unicodedata.combining(each))
    words = tuple(each for each in _NOT_WORD.split(letters) if each)
    return Name("", tuple(each for each in words if each not in _TITLES) or words)


def similarity(one: Name, other: Name) -> float:
    """How alike two names are, 0 to 1, the same either way round.

    Examples
    --------
    >>> similarity(name_of("張偉"), name_of("张伟")), similarity(name_of("张伟"), name_of("Wei Zhang"))
    (1.0, 0.89)
    >>> similarity(name_of("J. Smith"), name_of("Smith, John"))
    0.95
    """
    if one.han and other.han:
        return _characters(one.han, other.han)
    if one.words and other.words:
        return _words(one.words, other.words)
    han, words = (one.han, other.words) if one.han else (other.han, one.words)
    return _across(han, words) if han and words else 0.0


@lru_cache(maxsize=65536)
def syllables(han: str) -> tuple[str, ...]:
    """The commonest reading of each character, without tones; surnames as surnames are read.

    Examples
    --------
    >>> syllables("单晓明")
    ('shan', 'xiao', 'ming')
    """
    from pypinyin import lazy_pinyin

    made = lazy_pinyin(han, v_to_u=False)
    first = _SURNAME_READINGS.get(han[:1])
    return tuple([first, *made[1:]] if first else made)


_SURNAME_READINGS: Final = {
    "单": "shan", "曾": "zeng", "解": "xie", "查": "zha", "仇": "qiu", "朴": "piao", "区": "ou", "盖": "ge",
    "任": "ren", "华": "hua", "乐": "yue", "翟": "zhai", "尉": "wei", "覃": "qin", "缪": "miao", "员": "yun",
    "种": "chong",
}  # fmt: skip


@lru_cache(maxsize=16384)
def _readings(character: str) -> frozenset[str]:
    from pypinyin import Style, pinyin

    return frozenset(pinyin(character, style=Style.NORMAL, heteronym=True, v_to_u=False)[0])


def _characters(one: str, other: str) -> float:
    """Alignment of characters: the best sum of what each pair is worth, over the longer name."""
    best = [0.0] * (len(other) + 1)
    for mine in one:
        before = 0.0
        for place, theirs in enumerate(other, 1):
            here = best[place]
            best[place] = max(here, best[place - 1], before + _worth(mine, theirs))
            before = here
    return best[-1] / max(len(one), len(other))


def _worth(mine: str, theirs: str) -> float:
    if mine == theirs:
        return 1.0
    return SAME_READING if _readings(mine) & _readings(theirs) else 0.0


def _words(one: Sequence[str], other: Sequence[str]) -> float:
    """Words paired so that the best pairs go first; words without a partner count half against the name."""
    # The order given must not matter: of two ways to pair, always the same is taken.
    short, long = sorted((list(one), list(other)), key=lambda words: (len(words), words))
    pairs = sorted(((_word(a, b), i, j) for i, a in enumerate(short) for j, b in enumerate(long)), reverse=True)
    mine: set[int] = set()
    theirs: set[int] = set()
    total = 0.0
    for worth, i, j in pairs:
        if i not in mine and j not in theirs:
            mine.add(i)
            theirs.add(j)
            total += worth
    paired = total / (len(short) + 0.5 * (len(long) - len(short)))
    # "Xiao Ming" and "Xiaoming": the same letters, divided otherwise.
    joined = max((_word("".join(a), "".join(b)) for a, b in _joinings(short, long)), default=0.0)
    return max(paired, joined if len(short) != len(long) else 0.0)


def _joinings(short: Sequence[str], long: Sequence[str]) -> list[tuple[Sequence[str], Sequence[str]]]:
    if len(long) > _LONGEST_PERMUTED:
        return [(short, long)]
    return [(a, b) for a in permutations(short) for b in permutations(long) if "".join(a)[:1] == "".join(b)[:1]]


def _word(one: str, other: str) -> float:
    from rapidfuzz.distance import JaroWinkler, Levenshtein

    if one == other:
        return 1.0
    if 1 in (len(one), len(other)):
        return INITIAL if one[0] == other[0] else 0.0
    # Jaro-Winkler forgives transposed letters, but gives any two short words too much: the distance holds it down.
    alike = Levenshtein.normalized_similarity(one, other)
    return (float(JaroWinkler.similarity(one, other)) + float(alike)) / 2


def _across(han: str, words: Sequence[str]) -> float:
    """Readings of a Chinese name against Latin words: one Latin spelling has many names, so it never reaches 1."""
    from rapidfuzz.distance import Levenshtein

    read = syllables(han)
    spelt = "".join(words)
    forms = {"".join(read), "".join(read[1:] + read[:1]), "".join(read[2:] + read[:2])}
    whole = max(Levenshtein.normalized_similarity(form, spelt) for form in forms)
    apart = _words(read, words) if len(words) == len(read) else 0.0
    surname = (read[0], "".join(read[1:]))
    given = _words(surname, words) if len(words) == 2 <= len(read) else 0.0
    return ACROSS * max(float(whole), apart, given)


@lru_cache(maxsize=1)
def _simplified() -> dict[str, str]:
    pairs = str(read_yaml(Path(__file__).parent / "variants.yaml")["pairs"]).split()
    return {pair[0]: pair[1] for pair in pairs}
