"""``assay erase``: forget a person, card, account, device or address."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    from cli.matter_books import MatterBooks
    from monitoring.aml.keeping import Keeping
    from stores.database import Database
    from stores.texts_about import Forgotten


def erase(
    context: typer.Context,
    column: Annotated[str, typer.Argument(metavar="COLUMN", help="What it identifies: customer_id, card_id, …")],
    identifier: Annotated[
        str, typer.Argument(metavar="IDENTIFIER", help="As it came in; - reads it from standard input.")
    ],
    states: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Servers that hold states as well; may be given again.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Erase the key of an identifier, everything kept under its token in feature states, and sealed texts about it.

    Notes, complaints and appeals of a person go; a card, account or device owns those that name no person. What is also
    about somebody whose records must be kept stays, and is counted. Events stay in the journal, nameless: nothing leads
    to them any more. A running service forgets it within some seconds. Exit code 1 when it was not known; doing it
    again is harmless.

    Refused where records must be kept: while somebody holds them, for ten years from the last payment or event of a
    loan that names the identifier or whom it was seen with, for three from the last of a complaint or ticket
    (`retention` in aml.yaml). The refusal does not say which of them it is.

      assay erase customer_id c-1842
    """
    from cli.door import FINDING
    from cli.matter_books import matter_books
    from cli.screen import print_json, say
    from domain.errors import DataError, InputError, expected_got
    from domain.events import NAMESPACES

    if column not in NAMESPACES:
        raise InputError(expected_got(f"one of {', '.join(NAMESPACES)}", column, "COLUMN"))
    if identifier == "-":
        identifier = sys.stdin.readline().strip()
    session = session_of(context)
    n_records, n_texts, n_kept = 0, 0, 0
    with matter_books(session) as books:
        database = books.database
        vault = session.vault(database)
        token = vault.known(column, identifier)
        if token is not None:
            keeping = keeping_of(session, database)
            if keeping.keeps(column, token):
                raise DataError(
                    expected_got("an identifier that may be erased", "one whose records must be kept", column)
                    + "; a retention period or a legal hold stands: ask whoever keeps the records (`assay records`)"
                )
            # States first: while the key is there, whatever fails can be done again.
            n_records = forget(session, column, token, states)
            texts = unsay(books, column, token, keeping)
            n_texts, n_kept = texts.n_erased, texts.n_kept
            vault.erase(column, identifier)
        else:
            # A key that was erased while somebody read may still lie in the log.
            database.fold_log("an erased key")
    if as_json:
        print_json({"known": token is not None, "n_records": n_records, "n_texts": n_texts, "n_texts_kept": n_kept})
    else:
        shared = f"; {n_kept} texts kept, also about somebody whose records must be" if n_kept else ""
        say(
            "it was not known: nothing to erase"
            if token is None
            else f"erased: its key, {n_records} records of feature states and {n_texts} texts{shared}"
        )
    if token is None:
        raise typer.Exit(FINDING)


def keeping_of(session: Session, database: Database) -> Keeping:
    """Who must be kept, as of now."""
    from domain.time import system_clock
    from monitoring.aml.keeping import Keeping
    from monitoring.aml.settings import AmlSettings
    from stores.settings_files import load_settings

    return Keeping(
        session.journal(database), session.ledger(database).declined(),
        load_settings(session.configs / "aml.yaml", AmlSettings), session.platform(), at=system_clock(),
    )  # fmt: skip


def unsay(books: MatterBooks, column: str, token: str, keeping: Keeping) -> Forgotten:
    """Erase the sealed texts about whom a token names; those about somebody else who must be kept stay."""
    from stores.texts_about import TextsAbout

    with books.database.transaction():
        return TextsAbout(books.journal, books.acts, books.sealer, keeping.keeps_person).erase_within(column, token)


def forget(session: Session, column: str, token: str, states: list[str] | None) -> int:
    """Erase what feature states hold under a token; returns how many records there were."""
    from domain.events import KINDS, NAMESPACES
    from features.checkpoint import record_key
    from stores.states_open import open_states

    columns = {name for columns in KINDS.values() for name in columns}
    same = [name for name in sorted(columns) if NAMESPACES.get(name) == NAMESPACES[column]]
    n_records = 0
    for address in (None, *(states or ())):
        store = open_states(session.home, address)
        try:
            n_records += store.erase([record_key(name, token) for name in same])
        finally:
            store.close()
    return n_records
