"""The request by itself: its clock and what it leaves out."""

from features.derived import Derived, column_is_null, day_of_week, hour_of_day, log1p

DERIVED = (
    Derived("hour_of_day", hour_of_day(), group="timing", unit="h", doc="Hour on the business clock"),
    Derived("day_of_week", day_of_week(), group="timing", unit="day", doc="Day on the business clock, Monday is 0"),
    Derived("amount_log", log1p("amount"), group="payment", unit="ln(1 + amount)", doc="Logarithm of the amount"),
    Derived("device_missing", column_is_null("device_id"), group="payment", unit="flag",
            doc="1 when the request names no device"),
)  # fmt: skip
