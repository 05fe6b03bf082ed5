"""Every route in one table: who may do what where. What is not in it does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from serving.auth import Role

PREFIX = "/v1"
ANYONE = frozenset(Role)
_SCORERS = frozenset({Role.PAYMENTS_SCORER, Role.LOANS_SCORER})
_DESK = frozenset({Role.ANALYST, Role.REVIEWER})
SEES_ALL = frozenset({Role.ANALYST, Role.REVIEWER, Role.ADMIN})
"""Roles that see the decisions of every client; the others see their own."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route.

    Parameters
    ----------
    path : below ``/v1``; a ``{name}`` stands for one segment.
    roles : None is open to all.
    handler : its name in `serving.handlers.HANDLERS`, and its operationId.
    """

    method: str
    path: str
    roles: frozenset[Role] | None
    handler: str


ROUTES = (
    Route("POST", "/payments/score", frozenset({Role.PAYMENTS_SCORER}), "score_payment"),
    Route("POST", "/payments/score:batch", frozenset({Role.PAYMENTS_SCORER}), "score_payments"),
    Route("POST", "/loans/score", frozenset({Role.LOANS_SCORER}), "score_loan"),
    Route("POST", "/events", _SCORERS, "take_event"),
    Route("POST", "/outcomes", frozenset({Role.OUTCOME_WRITER}), "take_outcome"),
    Route("POST", "/complaints", _SCORERS | {Role.ANALYST}, "take_complaint"),
    Route("GET", "/decisions", _SCORERS | SEES_ALL, "decisions"),
    Route("GET", "/decisions/{decision_id}", _SCORERS | SEES_ALL, "decision"),
    Route("GET", "/decisions/{decision_id}/explanation", _SCORERS | SEES_ALL, "explanation"),
    Route("GET", "/decisions/{decision_id}/outcomes", SEES_ALL, "outcomes"),
    Route("POST", "/decisions/{decision_id}/review", _SCORERS | {Role.ANALYST}, "ask_review"),
    Route("GET", "/decisions/{decision_id}/review", _SCORERS | SEES_ALL, "review"),
    Route("POST", "/decisions/{decision_id}/review/verdict", frozenset({Role.REVIEWER}), "decide_review"),
    Route("GET", "/reviews", frozenset({Role.REVIEWER, Role.ADMIN}), "reviews"),
    Route("GET", "/alerts", _DESK, "alerts"),
    Route("GET", "/alerts/{decision_id}", _DESK, "alert"),
    Route("POST", "/alerts/{decision_id}/disposition", frozenset({Role.ANALYST}), "dispose_alert"),
    Route("GET", "/models", ANYONE, "models"),
    Route("GET", "/lists", frozenset({Role.ANALYST, Role.ADMIN}), "lists"),
    Route("GET", "/policies/changes", SEES_ALL, "changes"),
    Route("POST", "/policies/changes", frozenset({Role.ANALYST, Role.ADMIN}), "propose_change"),
    Route("POST", "/lists/changes", frozenset({Role.ANALYST, Role.ADMIN}), "propose_list_change"),
    Route("POST", "/policies/changes/{change_id}/approve", frozenset({Role.REVIEWER, Role.ADMIN}), "approve_change"),
    Route("POST", "/policies/changes/{change_id}/reject", SEES_ALL, "reject_change"),
    Route("POST", "/admin/kill", frozenset({Role.ADMIN}), "kill"),
    Route("POST", "/admin/reload", frozenset({Role.ADMIN}), "reload"),
    Route("GET", "/openapi.json", ANYONE, "openapi"),
    Route("GET", "/metrics", frozenset({Role.METRICS, Role.ADMIN}), "metrics"),
    Route("GET", "/livez", None, "livez"),
    Route("GET", "/readyz", None, "readyz"),
)  # fmt: skip


class Router:
    """Find the route of a path: a plain one by one look-up, one with names by its number of segments.

    Examples
    --------
    >>> methods, named = Router(ROUTES).find("/decisions/d1/review")
    >>> sorted(methods), dict(named)
    (['GET', 'POST'], {'decision_id': 'd1'})
    >>> Router(ROUTES).find("/nothing") is None
    True
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._plain: dict[str, dict[str, Route]] = {}
        named: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            place = named.setdefault(tuple(route.path.split("/")), {}) if "{" in route.path else None
            (self._plain.setdefault(route.path, {}) if place is None else place)[route.method] = route
        self._named: dict[int, list[tuple[tuple[str, ...], dict[str, Route]]]] = {}
        for segments, methods in named.items():
            self._named.setdefault(len(segments), []).append((segments, methods))

    def find(self, path: str) -> tuple[Mapping[str, Route], Mapping[str, str]] | None:
        """Methods of a path below the prefix, and its named segments; None when there is no such path."""
        plain = self._plain.get(path)
        if plain is not None:
            return plain, _NO_NAMES
        segments = path.split("/", 8)
        for template, methods in self._named.get(len(segments), ()):
            names = {}
            for expected, segment in zip(template, segments, strict=True):
                if expected.startswith("{") and segment:
                    names[expected[1:-1]] = segment
                elif expected != segment:
                    break
            else:
                return methods, names
        return None


_NO_NAMES: Mapping[str, str] = MappingProxyType({})
