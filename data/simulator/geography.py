"""Cities people live in and travel to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.rows import Array


@dataclass(frozen=True, slots=True)
class City:
    """A city: ISO 3166 codes, coordinates in degrees, weight as home and as destination."""

    region: str
    country: str
    latitude: float
    longitude: float
    home: float
    visit: float


CITIES = (
    City("CN-SH", "CN", 31.23, 121.47, 12, 9),
    City("CN-BJ", "CN", 39.90, 116.40, 11, 9),
    City("CN-GD-GZ", "CN", 23.13, 113.26, 9, 7),
    City("CN-GD-SZ", "CN", 22.54, 114.06, 9, 7),
    City("CN-SC", "CN", 30.57, 104.07, 8, 7),
    City("CN-ZJ", "CN", 30.27, 120.16, 7, 7),
    City("CN-JS", "CN", 32.06, 118.80, 7, 5),
    City("CN-HB", "CN", 30.59, 114.31, 7, 4),
    City("CN-SN", "CN", 34.34, 108.94, 6, 5),
    City("CN-CQ", "CN", 29.56, 106.55, 6, 5),
    City("CN-SD", "CN", 36.65, 117.12, 5, 3),
    City("CN-FJ", "CN", 24.48, 118.09, 4, 5),
    City("CN-LN", "CN", 41.80, 123.43, 4, 2),
    City("CN-YN", "CN", 25.04, 102.71, 3, 6),
    City("CN-HI", "CN", 18.25, 109.51, 1, 6),
    City("HK", "HK", 22.32, 114.17, 0, 5),
    City("DE-BE", "DE", 52.52, 13.40, 0, 1),
    City("US-CA", "US", 34.05, -118.24, 0, 1.5),
)

COUNTRIES = ("CN", "HK", "DE", "US")
CURRENCIES = ("CNY", "HKD", "EUR", "USD")
"""Currency of each country, by position."""

# Round figures near the dated table of the platform: what a cross-border price converts at.
PRICE_RATES = np.array([1.0, 0.91, 7.9, 7.1])

CITY_COUNTRY: Array = np.array([COUNTRIES.index(city.country) for city in CITIES], dtype=np.int8)
CITY_LATITUDE: Array = np.array([city.latitude for city in CITIES])
CITY_LONGITUDE: Array = np.array([city.longitude for city in CITIES])
HOME_WEIGHT: Array = np.array([city.home for city in CITIES])
VISIT_WEIGHT: Array = np.array([city.visit for city in CITIES])
N_CITIES = len(CITIES)
