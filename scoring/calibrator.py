"""Calibration: from the raw score (log-odds margin) to a probability, monotone, exact in JSON.

Fitting is the business of training; here a fitted calibrator is applied, one score or many, with
the same bits.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, ClassVar, overload

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelError, expected_got
from scoring.logistic import logistic, logistic_many, softplus, softplus_many


class Calibrator(ABC):
    """A monotone map of raw scores to probabilities."""

    kind: ClassVar[str]

    @abstractmethod
    def _one(self, raw: float) -> float: ...

    @abstractmethod
    def _many(self, raw: NDArray[np.float64]) -> NDArray[np.float64]: ...

    @abstractmethod
    def _values(self) -> dict[str, Any]: ...

    @overload
    def probability(self, raw: float) -> float: ...
    @overload
    def probability(self, raw: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def probability(self, raw: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
        """Probability of one raw score, or of each in an array.

        Raises
        ------
        ModelError
            When a score is NaN.
        """
        if isinstance(raw, np.ndarray):
            return self._many(raw.astype(np.float64))
        return self._one(float(raw))

    def to_json(self) -> str:
        """Text that `from_json` turns into an equal calibrator, to the last bit."""
        return json.dumps({"kind": self.kind, **self._values()}, sort_keys=True, allow_nan=False)

    @staticmethod
    def from_json(text: str | bytes) -> Calibrator:
        """Read a calibrator back.

        Raises
        ------
        ModelError
            When the text is no calibrator, or one that is not monotone.

        Examples
        --------
        >>> Calibrator.from_json(Platt(1.5, -0.25).to_json())
        Platt(a=1.5, b=-0.25)
        """
        try:
            content = json.loads(text)
            kind = content.pop("kind")
            made = _KINDS[kind]
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ModelError(expected_got(f"a calibrator of kind {', '.join(_KINDS)}", error, "calibration")) from error
        try:
            return made(**{name: tuple(value) if isinstance(value, list) else value for name, value in content.items()})
        except TypeError as error:
            raise ModelError(expected_got(f"the values of a {kind} calibrator", content, "calibration")) from error


@dataclass(frozen=True)
class Identity(Calibrator):
    """The model's own log-odds, uncorrected.

    Examples
    --------
    >>> Identity().probability(0.0)
    0.5
    """

    kind: ClassVar[str] = "identity"

    def _one(self, raw: float) -> float:
        return logistic(raw)

    def _many(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        return logistic_many(raw)

    def _values(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class Platt(Calibrator):
    """``logistic(a · raw + b)`` with a > 0 (Platt, 1999).

    Examples
    --------
    >>> Platt(2.0, -1.0).probability(0.5)
    0.5
    """

    a: float
    b: float
    kind: ClassVar[str] = "platt"

    def __post_init__(self) -> None:
        """Refuse a slope that would turn the ranking round."""
        _check_numbers((self.a, self.b), "platt")
        if self.a <= 0:
            raise ModelError(expected_got("a slope above 0: a higher raw score is riskier", self.a, "platt.a"))

    def _one(self, raw: float) -> float:
        return logistic(self.a * raw + self.b)

    def _many(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        return logistic_many(self.a * raw + self.b)

    def _values(self) -> dict[str, Any]:
        return {"a": self.a, "b": self.b}


@dataclass(frozen=True)
class Beta(Calibrator):
    """``logistic(a · log p - b · log(1 - p) + c)`` of p = logistic(raw), with a, b ≥ 0 and not both 0.

    Where the scores of each class are beta distributed it is the exact map; a = b = 1, c = 0 changes nothing, and
    unlike Platt's its two tails bend apart.

    References
    ----------
    Kull, Silva Filho & Flach, Beta calibration: a well-founded and easily implemented improvement on logistic
    calibration for binary classifiers, AISTATS 2017.

    Examples
    --------
    >>> Beta(1.0, 1.0, 0.0).probability(0.0), round(Beta(0.5, 2.0, -1.0).probability(3.0), 6)
    (0.5, 0.993775)
    """

    a: float
    b: float
    c: float
    kind: ClassVar[str] = "beta"

    def __post_init__(self) -> None:
        """Refuse a shape that would turn the ranking round."""
        _check_numbers((self.a, self.b, self.c), "beta")
        if self.a < 0 or self.b < 0 or self.a + self.b == 0:
            wanted = "a and b at least 0, one of them above: a higher raw score is riskier"
            raise ModelError(expected_got(wanted, (self.a, self.b), "beta"))

    def _one(self, raw: float) -> float:
        # log p = -softplus(-raw) and -log(1 - p) = softplus(raw): no digit is lost where p is near 0 or 1.
        return logistic(self.b * softplus(raw) - self.a * softplus(-raw) + self.c)

    def _many(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        return logistic_many(self.b * softplus_many(raw) - self.a * softplus_many(-raw) + self.c)

    def _values(self) -> dict[str, Any]:
        return {"a": self.a, "b": self.b, "c": self.c}


@dataclass(frozen=True)
class Isotonic(Calibrator):
    """Straight lines between knots, flat outside them (Zadrozny & Elkan, 2002).

    Parameters
    ----------
    x : raw scores, strictly increasing.
    y : probabilities at x, never decreasing.

    Examples
    --------
    >>> Isotonic((-2.0, 0.0), (0.0, 0.5)).probability(np.array([-9.0, -1.0, 9.0])).tolist()
    [0.0, 0.25, 0.5]
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    kind: ClassVar[str] = "isotonic"

    def __post_init__(self) -> None:
        """Refuse knots that are not monotone."""
        if not isinstance(self.x, tuple) or not isinstance(self.y, tuple) or not 0 < len(self.x) == len(self.y):
            raise ModelError(expected_got("as many x as y knots, at least one", (self.x, self.y), "isotonic"))
        _check_numbers((*self.x, *self.y), "isotonic")
        rising = all(a < b for a, b in zip(self.x, self.x[1:], strict=False))
        monotone = all(a <= b for a, b in zip(self.y, self.y[1:], strict=False))
        if not rising or not monotone or self.y[0] < 0 or self.y[-1] > 1:
            raise ModelError(
                expected_got("strictly rising x and never falling y within [0, 1]", (self.x, self.y), "isotonic")
            )

    def _one(self, raw: float) -> float:
        if math.isnan(raw):
            raise ModelError(expected_got("a number", raw, "raw score"))
        right = bisect_right(self.x, raw)
        if right == 0:
            return self.y[0]
        if right == len(self.x):
            return self.y[-1]
        x0, x1, y0, y1 = self.x[right - 1], self.x[right], self.y[right - 1], self.y[right]
        # Rounding may pass the knot by a last place; the bound keeps the map monotone.
        return min(y0 + (y1 - y0) * ((raw - x0) / (x1 - x0)), y1)

    def _many(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        if np.isnan(raw).any():
            raise ModelError(expected_got("numbers", math.nan, "raw score"))
        x, y = np.array(self.x), np.array(self.y)
        if len(x) == 1:
            return np.full(raw.shape, y[0])
        right = np.clip(np.searchsorted(x, raw, side="right"), 1, len(x) - 1)
        x0, x1, y0, y1 = x[right - 1], x[right], y[right - 1], y[right]
        # Outside the knots the line would go on; there the map is flat.
        within = np.clip(raw, x[0], x[-1])
        inner = np.minimum(y0 + (y1 - y0) * ((within - x0) / (x1 - x0)), y1)
        return np.asarray(np.where(raw < x[0], y[0], np.where(raw >= x[-1], y[-1], inner)))

    def _values(self) -> dict[str, Any]:
        return {"x": list(self.x), "y": list(self.y)}


_KINDS: dict[str, type[Calibrator]] = {made.kind: made for made in (Identity, Platt, Beta, Isotonic)}


def _check_numbers(values: tuple[float, ...], where: str) -> None:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ModelError(expected_got("finite numbers", value, where))
