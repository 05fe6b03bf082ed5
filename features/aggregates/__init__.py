"""The aggregates a view may declare, one file each."""

from features.aggregates.aggregate import Aggregate
from features.aggregates.count import Count
from features.aggregates.distinct import Distinct
from features.aggregates.max import Max
from features.aggregates.mean import Mean
from features.aggregates.min import Min
from features.aggregates.since_last import SinceLast
from features.aggregates.std import Std
from features.aggregates.sum import Sum

AGGREGATES: tuple[type[Aggregate], ...] = (Count, Sum, Mean, Std, Min, Max, Distinct, SinceLast)

__all__ = ["AGGREGATES", "Aggregate", "Count", "Distinct", "Max", "Mean", "Min", "SinceLast", "Std", "Sum"]
