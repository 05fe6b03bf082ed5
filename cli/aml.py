"""``assay aml``: anti-money-laundering work, for the officers named in configs/aml.yaml."""

from __future__ import annotations

import typer

from cli.aml_access import access, verify
from cli.aml_cases import case, cases, export, pack
from cli.aml_diligence import diligence
from cli.aml_reports import filed, flows, large_value, structuring
from cli.aml_screening import clear, hits, names_benchmark, screen

aml = typer.Typer(
    no_args_is_help=True,
    help="Anti-money-laundering: diligence, reports, screening, cases. For officers alone; every access is recorded.",
)

aml.add_typer(diligence, name="diligence")
aml.command(name="large-value")(large_value)
aml.command()(filed)
aml.command()(structuring)
aml.command()(flows)
aml.command()(screen)
aml.command()(hits)
aml.command()(clear)
aml.command(name="names-benchmark")(names_benchmark)
aml.add_typer(case, name="case")
aml.command()(cases)
aml.command()(pack)
aml.command()(export)
aml.command()(access)
aml.command()(verify)
