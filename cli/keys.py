"""``assay keys``: who may ask the service for what."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import AS_JSON
from cli.session import session_of

keys = typer.Typer(no_args_is_help=True, help="API keys of the service: add, list, revoke; rotate the vault's key.")


@keys.command()
def add(
    context: typer.Context,
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="Name of the caller: lower case, digits, - _ .")],
    role: Annotated[
        list[str],
        typer.Option(
            metavar="ROLE",
            help="May be given several times: payments-scorer, loans-scorer, outcome-writer, analyst, reviewer, "
            "metrics, admin.",
        ),
    ],
) -> None:
    """Make a key for a client and print it, this once; the client's former key stops working.

    assay keys add checkout --role payments-scorer
    """
    from cli.screen import err
    from serving.auth import add_key

    key = add_key(session_of(context).home, client, role)
    err().print("Keep this key: it is stored as a hash and cannot be shown again.", highlight=False)
    typer.echo(key)


@keys.command(name="list")
def list_all(
    context: typer.Context,
    as_json: AS_JSON = False,
) -> None:
    """List clients and their roles."""
    from cli.screen import out, print_json, table
    from serving.auth import list_keys

    clients = list_keys(session_of(context).home)
    if as_json:
        print_json(clients)
    else:
        rows = [[client, ", ".join(roles)] for client, roles in clients.items()]
        out().print(table(f"{len(rows)} keys", ["client", "roles"], rows))


@keys.command()
def revoke(
    context: typer.Context,
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="Whose key stops working.")],
) -> None:
    """Take a client's key away; a running service notices within a second."""
    from cli.screen import say
    from domain.errors import InputError, expected_got
    from serving.auth import list_keys, revoke_key

    home = session_of(context).home
    known = ", ".join(list_keys(home)) or "none; add one with `assay keys add`"
    if not revoke_key(home, client):
        raise InputError(expected_got(f"a client with a key ({known})", client, "keys"))
    say(f"{client} has no key any more")


@keys.command()
def rotate(context: typer.Context, as_json: AS_JSON = False) -> None:
    """Rotate the key of the vault: every stored hash and sealed text under new keys; the old one opens nothing more.

    Tokens stay. A running service follows by itself where the key is a file. Where it comes from the environment, stop
    the service, set ASSAY_VAULT_KEY to the new key and ASSAY_VAULT_KEY_OLD to the former, rotate, and start it again.
    A rotation that was cut off goes on when this is run again. Backups made before still need the old key.

      assay keys rotate
    """
    import os

    from cli.screen import print_json, say
    from stores.key_rotation import rotate as rotated

    session = session_of(context)
    with session.database() as database:
        done = rotated(database, session.home.keys, os.environ)
    if as_json:
        print_json({"resumed": done.resumed, "n_subjects": done.n_subjects, "n_texts": done.n_texts})
    else:
        how = "went on with a rotation that was cut off" if done.resumed else "rotated"
        say(f"{how}: {done.n_subjects:,} subjects, {done.n_texts:,} sealed texts")
