"""The aggregates a view may declare, one file each."""

from features.aggregates.aggregate import Aggregate
from features.aggregates.circular_time import CircularTime
from features.aggregates.coefficient_of_variation import CoefficientOfVariation
from features.aggregates.concentration import Concentration
from features.aggregates.count import Count
from features.aggregates.count_where import CountWhere
from features.aggregates.decayed import Decayed
from features.aggregates.degree import Degree
from features.aggregates.distinct import Distinct
from features.aggregates.entropy import Entropy
from features.aggregates.first import First
from features.aggregates.inter_arrival import InterArrival
from features.aggregates.last import Last
from features.aggregates.last_k import LastK
from features.aggregates.max import Max
from features.aggregates.mean import Mean
from features.aggregates.min import Min
from features.aggregates.novelty import Novelty
from features.aggregates.rate import Rate
from features.aggregates.ratio import Ratio
from features.aggregates.share import Share
from features.aggregates.shared_with import SharedWith
from features.aggregates.since_last import SinceLast
from features.aggregates.speed_from_last import SpeedFromLast
from features.aggregates.std import Std
from features.aggregates.streak import Streak
from features.aggregates.sum import Sum
from features.aggregates.sum_where import SumWhere
from features.aggregates.top_share import TopShare
from features.aggregates.trend import Trend

AGGREGATES: tuple[type[Aggregate], ...] = (
    Count,
    CountWhere,
    Sum,
    SumWhere,
    Mean,
    Std,
    CoefficientOfVariation,
    Share,
    Rate,
    Ratio,
    Min,
    Max,
    First,
    Last,
    LastK,
    Distinct,
    Degree,
    SharedWith,
    Concentration,
    TopShare,
    Entropy,
    Novelty,
    SinceLast,
    Streak,
    InterArrival,
    CircularTime,
    Decayed,
    Trend,
    SpeedFromLast,
)

__all__ = [
    "AGGREGATES",
    "Aggregate",
    "CircularTime",
    "CoefficientOfVariation",
    "Concentration",
    "Count",
    "CountWhere",
    "Decayed",
    "Degree",
    "Distinct",
    "Entropy",
    "First",
    "InterArrival",
    "Last",
    "LastK",
    "Max",
    "Mean",
    "Min",
    "Novelty",
    "Rate",
    "Ratio",
    "Share",
    "SharedWith",
    "SinceLast",
    "SpeedFromLast",
    "Std",
    "Streak",
    "Sum",
    "SumWhere",
    "TopShare",
    "Trend",
]
