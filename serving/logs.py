"""Structured logs: one JSON object a line, about the service and never about a request's content."""

from __future__ import annotations

import sys
from typing import Any, TextIO

import structlog


def json_logger(stream: TextIO | None = None) -> Any:
    r"""A logger that writes JSON lines with an ISO 8601 UTC time; standard error by default.

    Examples
    --------
    >>> import io
    >>> lines = io.StringIO()
    >>> json_logger(lines).info("ready", seconds=2)
    >>> lines.getvalue()
    '{"seconds": 2, "event": "ready", "level": "info", "at": "..."}\n'
    """
    return structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr if stream is None else stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.BoundLogger,
    )
