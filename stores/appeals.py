"""Appeals: a decision is asked to be looked at again, a person decides. The decision itself is never touched.

review_asked   who asked, for whom, how to reach them (sealed), what they say (sealed)
review_decided upheld or overturned; what is to be done instead; the words of the reviewer (sealed)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import DataError, expected_got
from stores.acts import Act, Acts
from stores.sealing import Sealer

ASKED, DECIDED = "review_asked", "review_decided"


@dataclass(frozen=True, slots=True)
class Appeal:
    """One appeal and what became of it; texts are ids of the seal, read by `Appeals.text`."""

    asked: Act
    decided: Act | None

    @property
    def overturned(self) -> bool:
        """Whether a person decided otherwise."""
        return self.decided is not None and self.decided.body["verdict"] == "overturned"


class Appeals:
    """Ask, decide and read; over the connection that owns the transaction."""

    def __init__(self, acts: Acts, sealer: Sealer) -> None:
        self._acts = acts
        self._sealer = sealer

    def of(self, decision_id: str) -> list[Appeal]:
        """The appeals of a decision, oldest first; only the last can be open."""
        asked: list[Appeal] = []
        for act in self._acts.about(decision_id):
            if act.kind == ASKED:
                asked.append(Appeal(act, None))
            elif act.kind == DECIDED:
                asked[-1] = Appeal(asked[-1].asked, act)
        return asked

    def waiting(self, *, after: int = 0, limit: int = 100) -> list[Act]:
        """Appeals that nobody has decided, oldest first, behind a place in the chain."""
        rows = self._acts.database.execute(
            "SELECT n_link FROM act a WHERE kind = ? AND n_link > ? AND NOT EXISTS (SELECT 1 FROM act b "
            "WHERE b.subject = a.subject AND b.kind = ? AND b.n_link > a.n_link) ORDER BY n_link LIMIT ?",
            (ASKED, after, DECIDED, limit),
        )
        return [act for (n_link,) in rows for act in self._acts.of(ASKED, after=n_link - 1, limit=1)]

    def counts(self, since: int, until: int) -> tuple[int, int]:
        """(decided, overturned) with ``since <= at < until``: the overturn rate is their ratio."""
        decided, overturned = self._acts.database.one(
            "SELECT count(*), coalesce(sum(json_extract(CAST(body AS TEXT), '$.verdict') = 'overturned'), 0) FROM act "
            "WHERE kind = ? AND at >= ? AND at < ?",
            (DECIDED, since, until),
        )
        return int(decided), int(overturned)

    def sealed_within(self, texts: Mapping[str, str | None]) -> dict[str, Any]:
        """Name → where the sealed text lies and its mark, of those that are there."""
        return {
            name: {"sealed": self._sealer.seal_within(text), "mark": self._acts.mark(text)}
            for name, text in texts.items()
            if text is not None
        }

    def text(self, act: Act, name: str) -> str | None:
        """A text of an act; None when it has none, or it was erased.

        Raises
        ------
        DataError
            When the text is not the one that was written.
        """
        place = act.body.get(name)
        if place is None:
            return None
        text = self._sealer.opened(place["sealed"])
        if text is not None and self._acts.mark(text) != place["mark"]:
            raise DataError(expected_got(f"the {name} that was written", "another", f"act {act.act_id}"))
        return text
