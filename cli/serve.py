"""``assay serve``: become the BentoML service."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.session import session_of


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Loopback unless asked for otherwise.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen.")] = 3000,
) -> None:
    """Start the service that scores payments and loans; Ctrl-C ends it.

    It serves what `assay deploy` has pointed at, under /v1, to clients that have a key.

      assay keys add checkout --role payments-scorer
      assay serve --port 3000
    """
    from cli.screen import err
    from serving.auth import list_keys
    from serving.run import serve as become

    session = session_of(context)
    session.platform()  # a wrong setting is said here, not in a worker's log
    if not list_keys(session.home):
        err().print("no client has a key yet: add one with `assay keys add`", highlight=False)
    become(session.home, session.configs, host, port)
