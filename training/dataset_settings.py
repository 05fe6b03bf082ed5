"""Settings of what a model learns from: how long labels take, whose rows are taken out, how many negatives are kept."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from domain.bilingual import InBothLanguages, in_english
from domain.settings import Settings
from domain.time import Duration
from training.fields import Source


class CodeMaturity(Settings):
    """How long one outcome code may take to be told, and who says so."""

    after: Duration
    source: Source


class Maturity(Settings):
    """How long after an event its label may be taken as final, and who says so.

    Written as one duration with its source, or as one for each outcome code that may tell a positive. A row is final
    when the slowest of them has had its time: see `scoring.labels`.

    Parameters
    ----------
    after : the whole time; of the slowest code where there are several.
    by_code : outcome code → its own time; empty where one duration holds for all.

    Examples
    --------
    >>> several = Maturity.model_validate({
    ...     "chargeback_fraud": {"after": "45d", "source": "the card scheme's rules"},
    ...     "confirmed_fraud": {"after": "10d", "source": "the desk closes its queue in ten days"},
    ... })
    >>> several.after == several.clock["chargeback_fraud"], several.source
    (True, "the slowest source, chargeback_fraud: the card scheme's rules")
    >>> Maturity(after="7d", source="a contract").clock == 7 * 86_400_000_000
    True
    """

    after: Duration
    source: Source
    by_code: dict[str, CodeMaturity] = {}

    @property
    def clock(self) -> int | dict[str, int]:
        """µs of the one duration, or of each code."""
        return {code: each.after for code, each in self.by_code.items()} or self.after

    @model_validator(mode="before")
    @classmethod
    def _slowest(cls, value: object) -> object:
        if not isinstance(value, dict) or not value or value.keys() & cls.model_fields.keys():
            return value
        codes = {str(code): CodeMaturity.model_validate(each) for code, each in value.items()}
        code = max(codes, key=lambda name: codes[name].after)
        slowest = codes[code]
        said: Source = f"the slowest source, {code}: {in_english(slowest.source)}"
        if isinstance(slowest.source, InBothLanguages):
            said = InBothLanguages(zh=f"最慢的来源{code}：{slowest.source.zh}", en=str(said))
        return {"after": slowest.after, "source": said, "by_code": codes}

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.by_code and self.after != max(each.after for each in self.by_code.values()):
            raise ValueError("expected after to be the time of the slowest code in by_code; leave it out")
        return self


class Undersampling(Settings):
    """The share of negatives that is learnt from; every positive is.

    Examples
    --------
    >>> Undersampling(undersample=0.1).undersample
    0.1
    """

    undersample: float = Field(gt=0, lt=1)


class DropRule(Settings):
    """Whose rows are taken out of what is measured: the folds' validation parts and the test.

    Parameters
    ----------
    entity : a key column of the subject, such as ``customer_id``; rows without one stay.
    known_positive : take out entities of which a positive was known when the part began (``before_part``), or
        before the row itself (``before_row``), as where a desk blocks them from then on.
    in_train : take out entities that the part's model has learnt from.

    Examples
    --------
    >>> DropRule(entity="customer_id", known_positive="before_part").name
    'customer_id known positive before part'
    >>> DropRule(entity="card_id", in_train=True).name
    'card_id in train'
    """

    entity: str = Field(pattern=r"^[a-z][a-z0-9_]*_id$")
    known_positive: Literal["before_part", "before_row"] | None = None
    in_train: bool = False

    @property
    def name(self) -> str:
        """As it is counted under."""
        when = "in train" if self.known_positive is None else f"known positive {self.known_positive.replace('_', ' ')}"
        return f"{self.entity} {when}"

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.known_positive is not None) == self.in_train:
            raise ValueError("expected either known_positive: before_part or before_row, or in_train: true")
        return self


class RejectInference(Settings):
    """What refused applications would have become, guessed: a sensitivity, never the model.

    Parameters
    ----------
    prudence : how many times worse refused applicants are taken to be than accepted ones of the same score.
    bands : of the score, within which parcelling shares refused applicants out into bad and good.
    """

    methods: list[Literal["parcelling", "inverse_probability"]] = Field(min_length=1)
    prudence: float = Field(ge=1, le=10)
    bands: int = Field(default=10, ge=2, le=50)
    source: Source
