"""Every route × every role: the table below is written by hand, and the service must be exactly it."""

from __future__ import annotations

from typing import Any

import pytest

from serving.auth import Role
from serving.handlers import HANDLERS
from serving.health import HEALTH
from serving.openapi_words import SUMMARIES
from serving.routes import ROUTES, Route, Router
from tests.serving.doors import Doors

TABLE = """
POST /payments/score                          payments-scorer
POST /payments/score:batch                    payments-scorer
POST /loans/score                             loans-scorer
POST /events                                  payments-scorer loans-scorer
POST /outcomes                                outcome-writer
POST /complaints                              payments-scorer loans-scorer analyst
GET  /decisions                               payments-scorer loans-scorer analyst reviewer admin
GET  /decisions/{decision_id}                 payments-scorer loans-scorer analyst reviewer admin
GET  /decisions/{decision_id}/explanation     payments-scorer loans-scorer analyst reviewer admin
GET  /decisions/{decision_id}/outcomes        analyst reviewer admin
GET  /decisions/{decision_id}/review          payments-scorer loans-scorer analyst reviewer admin
POST /decisions/{decision_id}/review          payments-scorer loans-scorer analyst
POST /decisions/{decision_id}/review/verdict  reviewer
GET  /reviews                                 reviewer admin
GET  /alerts                                  analyst reviewer
GET  /alerts/{decision_id}                    analyst reviewer
POST /alerts/{decision_id}/disposition        analyst
GET  /models                                  payments-scorer loans-scorer outcome-writer analyst reviewer metrics admin
GET  /lists                                   analyst admin
GET  /policies/changes                        analyst reviewer admin
POST /policies/changes                        analyst admin
POST /lists/changes                           analyst admin
POST /policies/changes/{change_id}/approve    reviewer admin
POST /policies/changes/{change_id}/reject     analyst reviewer admin
POST /admin/kill                              admin
POST /admin/reload                            admin
GET  /openapi.json                            payments-scorer loans-scorer outcome-writer analyst reviewer metrics admin
GET  /metrics                                 metrics admin
GET  /livez                                   anybody
GET  /readyz                                  anybody
"""

ALLOWED = {
    (method, path): None if roles == ["anybody"] else set(roles)
    for method, path, *roles in (line.split() for line in TABLE.strip().splitlines())
}


def test_the_table_and_the_service_name_the_same_routes_and_roles() -> None:
    assert {(route.method, route.path): route.roles for route in ROUTES} == ALLOWED
    assert len(ROUTES) == len(ALLOWED)


def test_every_route_is_answered_and_described() -> None:
    assert {route.handler for route in ROUTES} == {*HANDLERS, *HEALTH} == set(SUMMARIES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_opens_to_its_roles_and_to_no_other(doors: Doors, route: Route) -> None:
    path = "/v1" + route.path.replace("{decision_id}", "no-such-decision")
    allowed = ALLOWED[route.method, route.path]
    body = b"{}" if route.method == "POST" else None
    for role in Role:
        status = doors.send(route.method, path, body, client=role.value).status_code
        assert (status == 403) == (allowed is not None and role not in allowed), role
        assert status < 500, role
    nobody = doors.send(route.method, path, body, client=None).status_code
    assert (nobody == 401) == (allowed is not None)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_no_other_method_does_anything(doors: Doors, method: str) -> None:
    for route in ROUTES:
        path = "/v1" + route.path.replace("{decision_id}", "x")
        assert doors.send(method, path, client="admin").status_code == 405


@pytest.mark.parametrize(
    "path",
    ["/decisions//review", "/decisions/", "/alerts/", "/decisions/a/b", "/decisions/a/review/", "/payments/score/",
     "/PAYMENTS/score", "/decisions/a/review/verdict/x/y/z/q/w/e", "//decisions", "/payments/score:batch2", ""],
)  # fmt: skip
def test_no_other_path_is_one(path: str) -> None:
    assert Router(ROUTES).find(path) is None


def test_a_route_that_is_not_in_the_table_would_be_seen() -> None:
    more: Any = (*ROUTES, Route("GET", "/secret", None, "livez"))
    assert {(route.method, route.path): route.roles for route in more} != ALLOWED


BENTOML = ("/docs", "/docs.json", "/schema.json", "/metrics", "/static_content/swagger-ui.css", "/deployed", "/nothing")
"""Pages that BentoML serves by itself or that somebody may look for; `test_service` asks the real one."""


@pytest.mark.parametrize("path", BENTOML)
def test_documents_and_metrics_of_bentoml_open_to_an_administrator_alone(doors: Doors, path: str) -> None:
    told = {role: doors.send("GET", path, client=role.value) for role in Role}
    assert {role for role, answer in told.items() if answer.status_code == 200} == {Role.ADMIN}
    assert {answer.status_code for role, answer in told.items() if role is not Role.ADMIN} == {403}
    assert doors.send("GET", path, client=None).status_code == 401


def test_no_document_and_no_metric_of_ours_is_open() -> None:
    assert {path for (_, path), roles in ALLOWED.items() if roles is None} == {"/livez", "/readyz"}
