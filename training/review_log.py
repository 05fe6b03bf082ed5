"""The log of reviews: who may say what of a version, signed, and made known beside the bundle in MLflow."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.errors import DataError, InputError, ModelError, expected_got
from domain.time import Clock, format_duration, format_instant
from stores.home import Home
from stores.keys import secret_key
from stores.signed_lines import SignedLines
from training.review import Review, Ruling, Severity, Status, Subject, check_date, fold
from training.tracking import Tracker, registered_name

KEY = "reviews"
HEAD = "review_head"
"""Version tag: signature of the newest entry, so that lines cut off the log's end are missed."""

ARTIFACT = "review.json"


class ReviewLog:
    """Append to and read the reviews of a home.

    Parameters
    ----------
    lines : where they are kept. clock : when something is said.
    """

    def __init__(self, lines: SignedLines, clock: Clock) -> None:
        self._lines = lines
        self._clock = clock

    @classmethod
    def open(cls, home: Home, environment: Mapping[str, str], clock: Clock) -> ReviewLog:
        """The log of a home, under the key ``ASSAY_REVIEWS_KEY`` or ``keys/reviews.key``.

        Raises
        ------
        DataError
            When there are reviews but their key is gone: a fresh one would condemn them all.
        """
        path = home.keys / f"{KEY}.key"
        if home.reviews.is_file() and not path.is_file() and f"ASSAY_{KEY.upper()}_KEY" not in environment:
            raise DataError(f"{path}: expected the key that signed the reviews, found none; restore it from its backup")
        return cls(SignedLines(home.reviews, secret_key(home.keys, KEY, environment)), clock)

    def now(self) -> int:
        """The log's time, µs UTC."""
        return self._clock()

    def of(self, subject: Subject) -> Review:
        """All that was said of a version's bundle.

        Raises
        ------
        DataError
            When a line of the log does not verify.
        """
        return fold(subject, self._said(subject))

    def head(self, subject: Subject) -> str:
        """Signature of the newest entry about a bundle; empty where there is none."""
        return next(reversed(self.signatures(subject)), "")

    def signatures(self, subject: Subject) -> list[str]:
        """Signatures of all entries about a bundle, oldest first."""
        return [mac for _, mac in self._said(subject)]

    def find(self, subject: Subject, severity: Severity, text: str, owner: str, due: str, by: str) -> Review:
        """Record a finding; anybody may raise one."""
        for name, given in (("text", text), ("owner", owner), ("reviewer", by)):
            if not given.strip():
                raise InputError(expected_got(f"a finding with its {name}", given, f"review of {subject.name}"))
        return self._say(
            subject, by.strip(), kind="finding", severity=severity.value, text=text.strip(), owner=owner.strip(),
            due=check_date(due),
        )  # fmt: skip

    def settle(self, subject: Subject, finding: str, status: Status, reason: str, by: str) -> Review:
        """Close, waive or reopen a finding, with a reason, by somebody other than the trainer."""
        by = subject.refuse_trainer(by, "reviewer")
        if not reason.strip():
            raise InputError(f"{finding}: expected a reason for {status.value}, got none; give one with --reason")
        known = self.of(subject)[finding]
        if known.status is status:
            raise InputError(f"{finding}: expected a change, it is {status.value} already")
        return self._say(subject, by, kind="status", id=known.id, status=status.value, reason=reason.strip())

    def rule(
        self,
        subject: Subject,
        ruling: Ruling,
        by: str,
        *,
        expires_at: int,
        longest: int,
        conditions: tuple[str, ...] = (),
        comment: str = "",
    ) -> Review:
        """Record a verdict by somebody other than the trainer.

        Parameters
        ----------
        expires_at : µs UTC. longest : how long a verdict may count, µs.

        Raises
        ------
        ModelError
            When the trainer rules, or a bundle with open red findings would be approved without conditions.
        InputError
            When the expiry has passed or lies too far ahead, or conditions and ruling do not go together.
        """
        by = subject.refuse_trainer(by, "reviewer")
        now = self._clock()
        if not now < expires_at <= now + longest:
            raise InputError(
                f"expires: expected an instant within {format_duration(longest)} from now, "
                f"got {format_instant(expires_at)}"
            )
        said = tuple(text.strip() for text in conditions if text.strip())
        if bool(said) != (ruling is Ruling.CONDITIONS):
            raise InputError(expected_got("conditions exactly with the verdict conditions", list(said), ruling.value))
        stopping = self.of(subject).stopping
        if ruling is Ruling.APPROVE and stopping:
            raise ModelError(
                f"{subject.name} version {subject.version}: expected no open red finding for an approval, got "
                f"{', '.join(each.id for each in stopping)}; close or waive them, or approve with conditions"
            )
        return self._say(
            subject, by, kind="verdict", ruling=ruling.value, expires_at=format_instant(expires_at),
            conditions=list(said), comment=comment.strip(),
        )  # fmt: skip

    def _said(self, subject: Subject) -> list[tuple[Mapping[str, Any], str]]:
        return [(line.body, line.mac) for line in self._lines.read() if line.body.get("bundle") == subject.bundle]

    def _say(self, subject: Subject, by: str, **what: Any) -> Review:
        # Names are unverified here: on a workstation nobody has proved them.
        self._lines.append(
            {
                "model": subject.name, "version": subject.version, "bundle": subject.bundle, "by": by,
                "at": format_instant(self._clock()), **what,
            }
        )  # fmt: skip
        return self.of(subject)


def subject_of(tracker: Tracker, name: str, which: str | int) -> Subject:
    """The version that an alias or number names.

    Raises
    ------
    ModelError
        When there is none, or it was registered without a bundle.
    """
    record = tracker.version(name, which)
    bundle = record.tags.get("bundle", "")
    if not bundle:
        raise ModelError(f"{registered_name(name)} version {record.version}: expected the hash of a bundle, got none")
    return Subject(name, int(record.version), bundle, record.tags.get("operator", ""))


def publish(tracker: Tracker, review: Review, log: ReviewLog) -> None:
    """Put the review beside the bundle in MLflow, and its head on the version."""
    subject = review.subject
    record = tracker.version(subject.name, subject.version)
    with tempfile.TemporaryDirectory(prefix="assay-review-") as scratch:
        path = Path(scratch) / ARTIFACT
        path.write_text(json.dumps(review.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        tracker.keep(record.run_id, path)
    tracker.note(subject.name, subject.version, {HEAD: log.head(subject)})
