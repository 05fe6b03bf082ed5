"""What a config may say about families: constraints of trees, preparation of columns, points of a scorecard."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.settings import Settings

Sign = Literal[-1, 1]


class Constraints(Settings):
    """What LightGBM's trees may not do.

    Parameters
    ----------
    monotone : ``catalogue`` takes the sign each feature declares, a mapping names features and signs itself. On three
        earlier folds of the simulator the catalogue's cost .004 of an AP of .661 (payments, one seed) and gained .002
        of an AUC of .765 (loans, three seeds), while 40 of 55 signs did not hold without.
    method : LightGBM's. ``basic`` keeps to the signs; with LightGBM 4.7 and 40 small worlds, sweeps over all
        thresholds found 13 models of ``intermediate`` and 39 of ``advanced`` that do not, and none of ``basic``
        (LightGBM's issues 5358 and 6155). With ``path_smooth`` no method does, so it is not searched beside signs.
        Promotion sweeps again, whatever was asked for.
    interactions : features that may meet on a path: any, those of one group of the catalogue, or those of one of the
        lists; features on no list make up one more.

    Examples
    --------
    >>> Constraints(monotone={"amount": 1}).method
    'basic'
    """

    monotone: Literal["catalogue", "none"] | dict[str, Sign] = "catalogue"
    method: Literal["basic", "intermediate", "advanced"] = "basic"
    interactions: Literal["any", "catalogue"] | list[Annotated[list[str], Field(min_length=1)]] = "any"

    def named(self) -> set[str]:
        """Features that the settings name."""
        signed = set(self.monotone) if isinstance(self.monotone, dict) else set()
        return signed.union(*(self.interactions if isinstance(self.interactions, list) else []))


class Preprocessing(Settings):
    """What happens to the columns before a challenger sees them; everything is learnt from training rows only.

    Parameters
    ----------
    winsor : share of the rows cut off at each end of a number.
    rare : share of the rows under which a category is treated as unknown.
    squash : take the signed logarithm of numbers with long tails, in units of their typical size.
    select : columns to keep: all, those that vary, those with information value, those a lasso keeps, or one of each
        highly correlated pair. least : the threshold of that; a usual one unless given.
    reduce : put principal components or factors in the place of the columns. components : how many.
    """

    winsor: float = Field(default=0.001, ge=0, lt=0.25)
    rare: float = Field(default=0.002, ge=0, lt=0.5)
    squash: bool = True
    select: Literal["all", "variance", "information", "lasso", "correlation"] = "all"
    least: float | None = Field(default=None, gt=0)
    reduce: Literal["none", "components", "factors"] = "none"
    components: int = Field(default=10, ge=1)


class ScorecardSettings(Settings):
    """Bins and points of a scorecard.

    Parameters
    ----------
    bins : most bins of a number, beside those of missing and special values.
    least_share : of the rows, below which a bin is not made.
    monotone : let the bad rate move one way only: as the catalogue expects, as the data say, or freely.
    special : values with a meaning of their own, which get a bin of their own.
    points, odds, pdo : so many points where good : bad is ``odds`` : 1, and so many more where the odds double
        (Siddiqi 2006, ch. 6). Conventions of the trade, not estimates.
    """

    bins: int = Field(default=8, ge=2, le=50)
    least_share: float = Field(default=0.02, gt=0, lt=0.5)
    monotone: Literal["none", "data", "catalogue"] = "data"
    special: dict[str, list[float]] = {}
    points: float = 600.0
    odds: float = Field(default=50.0, gt=0)
    pdo: float = Field(default=20.0, gt=0)


class Challengers(Settings):
    """What the challengers need to be told.

    Parameters
    ----------
    svm_rows : most rows a support vector machine learns from; its cost grows with their square.
    forest_rows : most rows each tree of a forest is drawn from. Without such a limit, on a world of 100,000 payments,
        one fit of 200 trees took over two and a half minutes of CPU on a busy machine; the search was given 20 s.
    """

    preprocessing: Preprocessing = Preprocessing()
    scorecard: ScorecardSettings = ScorecardSettings()
    svm_rows: int = Field(default=6_000, ge=200)
    forest_rows: int = Field(default=20_000, ge=200)

    @model_validator(mode="after")
    def _least_goes_with_select(self) -> Self:
        if self.preprocessing.least is not None and self.preprocessing.select == "all":
            raise ValueError("preprocessing.least: expected with select, got select: all")
        return self
