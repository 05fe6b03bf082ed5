"""Problems: what a door answers when it refuses, as RFC 9457 JSON without any of the request's content."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

MEDIA_TYPE = b"application/problem+json"


class Problem(Exception):  # noqa: N818 - the name of the RFC
    """A refusal.

    Parameters
    ----------
    status : HTTP status.
    code : stable word for programs.
    detail : for people: expected, got, where; never a value of the request.
    headers : further response headers.
    extra : further members, such as the id of the first decision.

    Examples
    --------
    >>> Problem(415, "media_type", "Content-Type: expected application/json").body("r1")
    b'{"type":"about:blank","title":"Unsupported Media Type","status":415,"code":"media_type",...,"request_id":"r1"}'
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def body(self, request_id: str) -> bytes:
        """The JSON of the answer."""
        return msgspec.json.encode(
            {
                "type": "about:blank",
                "title": HTTPStatus(self.status).phrase,
                "status": self.status,
                "code": self.code,
                "detail": self.detail,
                **self.extra,
                "request_id": request_id,
            }
        )


def unavailable(detail: str, code: str = "unavailable") -> Problem:
    """Come again later, under the same idempotency key."""
    return Problem(503, code, detail, headers={"Retry-After": "1"})
