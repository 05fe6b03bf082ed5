"""Arguments and options that several commands take, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CONFIG = Annotated[str, typer.Argument(metavar="CONFIG", help="fraud, credit, or the path of a training config.")]
OVERRIDES = Annotated[
    Path | None, typer.Option("--with", metavar="FILE", help="A second YAML whose fields replace the config's.")
]
SNAPSHOT = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Features built before; built from the journal otherwise.")
]
AS_OF = Annotated[str | None, typer.Option(metavar="TIME", help="Use no label known after this ISO 8601 time.")]
SINCE = Annotated[str | None, typer.Option(metavar="TIME", help="From this ISO 8601 time on.")]
UNTIL = Annotated[str | None, typer.Option(metavar="TIME", help="Up to this ISO 8601 time.")]
AS_JSON = Annotated[bool, typer.Option("--json", metavar="", help="Print JSON.")]
