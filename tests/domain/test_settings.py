"""Platform settings: nothing unknown, nothing defaulted, nothing that fails later."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.settings import PlatformSettings
from domain.time import DAY, MINUTE
from stores.settings_files import load_settings

GOOD = {
    "base_currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "max_lateness": "3d",
    "future_tolerance": "5m",
    "fx": {"USD": {"2026-01-01": "7.05"}},
}


def test_the_shipped_platform_reads() -> None:
    platform = load_settings(Path(__file__).parents[2] / "configs" / "platform.yaml", PlatformSettings)
    assert (platform.base_currency, platform.max_lateness, platform.future_tolerance) == ("CNY", 3 * DAY, 5 * MINUTE)
    assert platform.fx_table().to_base(100, "CNY", 0) == 100


def test_settings_are_frozen_and_read_back_from_their_dump() -> None:
    platform = PlatformSettings.model_validate(GOOD)
    assert PlatformSettings.model_validate_json(platform.model_dump_json()) == platform
    with pytest.raises(ValidationError, match="frozen"):
        platform.base_currency = "USD"  # type: ignore[misc]


@pytest.mark.parametrize("name", GOOD)
def test_nothing_has_a_default(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        PlatformSettings.model_validate({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("base_currency", "yuan", "pattern"),
        ("time_zone", "Asia/Peking2", "IANA"),
        ("max_lateness", 3, "duration"),
        ("max_lateness", "three days", "duration"),
        ("fx", {"USD": {"2026-01-01": "0"}}, "positive rate"),
        ("fx", {"USD": {"1st of May": "7"}}, "a day and a rate"),
        ("fx", {"dollar": {"2026-01-01": "7"}}, "ISO 4217"),
        ("surprise", 1, "Extra inputs"),
    ],
)
def test_wrong_settings_say_what_was_expected(name: str, value: object, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        PlatformSettings.model_validate({**GOOD, name: value})
