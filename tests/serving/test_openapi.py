"""The OpenAPI document is true: its routes are there, its schemas say what the doors accept."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from domain.events import KINDS
from serving.routes import ROUTES
from tests.serving import world
from tests.serving.doors import Doors


@pytest.fixture(scope="module")
def document(doors: Doors) -> dict[str, Any]:
    answer = doors.send("GET", "/v1/openapi.json")
    assert answer.status_code == 200
    content: dict[str, Any] = answer.json()
    return content


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def test_every_route_is_in_it_and_nothing_else(document: dict[str, Any]) -> None:
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert told == {(route.method, f"/v1{route.path}") for route in ROUTES}


def test_every_schema_is_one(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_example_fits_its_schema_and_its_door(doors: Doors, document: dict[str, Any]) -> None:
    doors.now = max(doors.now, world.START + 365 * 86_400_000_000)
    for path in ("/v1/payments/score", "/v1/loans/score", "/v1/events", "/v1/outcomes"):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        validator(document, content["schema"]).validate(content["example"])
        answer = doors.send("POST", path, content["example"])
        assert answer.status_code == 200, answer.text
        good = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        validator(document, good).validate(answer.json())
        with pytest.raises(ValidationError):
            validator(document, good).validate({})


def test_problems_fit_their_schema(doors: Doors, document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["Problem"]
    for body in (b"", {"unknown": 1}):
        validator(document, schema).validate(doors.send("POST", "/v1/payments/score", body).json())


def test_protected_columns_are_not_in_it(document: dict[str, Any]) -> None:
    protected = {column.name for columns in KINDS.values() for column in columns.values() if column.protected}
    assert protected
    for schema in document["components"]["schemas"].values():
        assert not protected & set(schema.get("properties", {}))
