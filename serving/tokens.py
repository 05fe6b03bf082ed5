"""Tokens of identifiers seen lately, so that a returning customer costs no look-up.

Without this they were half of the committer's time: three statements an identifier, six identifiers a payment. Those
that are not known take three statements together.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

from domain.events import NAMESPACES, Event, Value
from stores.vault import Vault

_MAX_KNOWN = 100_000
"""Identifiers that are remembered: some 35 MB. The oldest goes; who is back after so many others costs a look-up."""


class Tokens:
    """A vault with a memory of what is durable; for the committer's thread.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from stores.database import Database
    >>> vault = Vault(Database(Path(tempfile.mkdtemp()) / "assay.db"), bytes(32))
    >>> tokens = Tokens(vault)
    >>> event, learnt = tokens.tokenised(Event("inquiry", "q1", 0, 0, {"borrower_id": "alice"}))
    >>> event.body["borrower_id"] == vault.token("customer_id", "alice"), list(learnt)
    (True, [('person', 'alice')])
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        # Of a plain dict the oldest cannot be taken without walking over all that went before it.
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._version: int | None = None

    def begin(self, version: int) -> None:
        """Start a transaction at a data version; whoever else has written may have erased someone."""
        if version != self._version:
            self._known.clear()
            self._version = version
        while len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)

    def tokenised(self, event: Event) -> tuple[Event, Mapping[tuple[str, str], str]]:
        """The event with tokens for identifiers, and the tokens that were not known yet."""
        places = {name: (NAMESPACES[name], str(value)) for name, value in event.body.items() if name in NAMESPACES}
        unknown = {place for place in places.values() if place not in self._known}
        learnt = self._vault.tokens_of(unknown) if unknown else {}
        body: dict[str, Value] = dict(event.body)
        for name, place in places.items():
            body[name] = learnt[place] if place in learnt else self._known[place]
        return replace(event, body=body), learnt

    def remember(self, tokens: Mapping[tuple[str, str], str]) -> None:
        """Keep tokens whose rows are durable now; those of a transaction that failed must never be."""
        self._known.update(tokens)
