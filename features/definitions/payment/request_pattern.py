"""The request by itself: its clock and what it leaves out."""

from features.derived import Derived, hour_of_day

RATIONALE = "Attacks keep other hours than people, and hide what would tell who asks."

DERIVED = (
    Derived("hour_of_day", hour_of_day(), group="timing", unit="h", doc="Hour on the business clock"),
)  # fmt: skip
