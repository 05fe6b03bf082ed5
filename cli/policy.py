"""``assay policy``: test a policy, propose a change, approve it, and see what it would have done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AS_JSON
from cli.policy_what_if import what_if
from cli.session import Session, session_of

if TYPE_CHECKING:
    from domain.decision import Product
    from scoring.changes import Subject
    from scoring.policy import Policy

policy = typer.Typer(no_args_is_help=True, help="Policies: test, what-if, propose, approve, reject, history, show.")
policy.command(name="what-if")(what_if)

PROPOSER = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who proposes; the actor by default.")]
WHY = Annotated[str, typer.Option(metavar="TEXT", help="Why; recorded.")]
CHANGE = Annotated[str, typer.Argument(metavar="CHANGE", help="As C3; see the history.")]
APPROVER = Annotated[str, typer.Option(metavar="NAME", help="Who approves; never the one who proposed.")]


@policy.command(name="test")
def try_policy(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Policy to test; by default those of the configs folder.")
    ] = None,
    examples: Annotated[
        Path | None, typer.Option(metavar="FILE", help="By default policy/examples/payments.yaml or loans.yaml.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Try the examples of a policy: facts, and the action that must come of them. Exit code 1 when one differs.

    assay policy test
    assay policy test stricter.yaml
    """
    from dataclasses import asdict

    from cli.door import FINDING
    from cli.screen import out, print_json, say, table
    from scoring.policy import POLICY_FILES
    from scoring.policy_examples import try_examples
    from scoring.policy_settings import PolicySettings
    from scoring.reasons import ReasonBook
    from stores.settings_files import load_settings

    session = session_of(context)
    files = [session.configs / "policy" / name for name in POLICY_FILES.values()] if file is None else [file]
    tried = []
    for path in files:
        product = load_settings(path, PolicySettings).product
        book = load_settings(session.configs / "reasons" / f"{product.value}.yaml", ReasonBook)
        chosen = examples or session.configs / "policy" / "examples" / POLICY_FILES[product]
        tried += [(path, each) for each in try_examples(path, chosen, book, session.platform())]
    failed = [each for _, each in tried if each.faults]
    if as_json:
        print_json([{"policy": str(path), **asdict(each)} for path, each in tried])
    else:
        rows = [
            ["differs" if e.faults else "as expected", e.name, e.action, ", ".join(e.rules), "; ".join(e.faults)]
            for _, e in tried
        ]
        out().print(table("examples", ["", "example", "action", "rules", "expected"], rows))
        say(f"{len(tried) - len(failed)} of {len(tried)} examples are as expected")
    if failed:
        raise typer.Exit(FINDING)


@policy.command()
def propose(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy as it should be.")],
    why: WHY,
    by: PROPOSER = None,
    as_json: AS_JSON = False,
) -> None:
    """Record a policy that somebody wants in force; it is checked against the deployed model first.

    assay policy propose stricter.yaml --why "losses on new payees doubled"
    """
    from cli.changes import record_of, show_proposed
    from scoring.changes import Subject

    session = session_of(context)
    made = compiled(session, file)
    with record_of(session, create=True) as record:
        change = record.propose(
            Subject(made.product.value), made.content, by=session.actor if by is None else by, why=why,
            summary=f"{made.settings.version}, {len(made.settings.rules)} rules",
        )  # fmt: skip
    show_proposed(change, as_json)


@policy.command()
def approve(
    context: typer.Context,
    change: CHANGE,
    approver: APPROVER,
    why: Annotated[str, typer.Option(metavar="TEXT", help="Said with the approval.")] = "",
    as_json: AS_JSON = False,
) -> None:
    """Put a proposed policy in force; a running service follows without a restart.

    assay policy approve C3 --approver wang
    """
    from cli.changes import decide

    decide(session_of(context), change, policies(), approve=True, by=approver, why=why, as_json=as_json)


@policy.command()
def reject(
    context: typer.Context,
    change: CHANGE,
    why: WHY,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who rejects; the actor by default.")] = None,
    as_json: AS_JSON = False,
) -> None:
    """Close a proposed policy; the one who proposed it may take it back.

    assay policy reject C3 --why "blocks too many new customers"
    """
    from cli.changes import decide

    session = session_of(context)
    decide(session, change, policies(), approve=False, by=session.actor if by is None else by, why=why, as_json=as_json)


@policy.command()
def history(
    context: typer.Context,
    usage: Annotated[
        bool, typer.Option("--usage", metavar="", help="Also which policies decisions cite, and who approved them.")
    ] = False,
    as_json: AS_JSON = False,
) -> None:
    """Every change of a policy: who proposed, who approved, when and why; the record is verified as it is read.

    assay policy history --usage
    """
    from cli.changes import show_history

    show_history(session_of(context), policies(), usage=usage, as_json=as_json)


@policy.command()
def show(
    context: typer.Context,
    which: Annotated[str, typer.Argument(metavar="payment|loan|CHANGE|HASH", help="What to print.")],
) -> None:
    """Print a policy as JSON: the one in force, of a change, or that a decision cites by its hash.

    assay policy show payment
    assay policy show C3
    """
    import json
    import re

    from cli.changes import approval_of, file_of, record_of
    from cli.screen import print_json
    from domain.errors import InputError, expected_got
    from scoring.changes import Subject, newest
    from serving.policies import approved_counts

    session = session_of(context)
    with record_of(session) as record:
        known = {each.id: each for each in record.all()}
        if which in policies():
            subject = Subject(which)
            change, path = newest(known.values(), subject), file_of(session, subject)
            counts = change is not None and approved_counts(change, path, approval_of(session))
            content = (
                record.content(change.content) if change is not None and counts else compiled(session, path).content
            )
        elif which.upper() in known:
            content = record.content(known[which.upper()].content)
        elif re.fullmatch(r"[0-9a-f]{64}", which):
            with session.database() as database:
                content = session.ledger(database).artifact(which)
        else:
            raise InputError(expected_got("payment, loan, a change such as C3, or a hash", which, "assay policy show"))
    print_json(json.loads(content))


def policies() -> list[Subject]:
    """The subjects that are policies."""
    from scoring.changes import Subject

    return [Subject.PAYMENT, Subject.LOAN]


def compiled(session: Session, path: Path) -> Policy:
    """A policy file compiled for the deployed model of its product; for none where there is none.

    Raises
    ------
    DefinitionError
        When it is wrong, or a rule lacks its words or its features in the deployed model.
    """
    from scoring.policy import load_policy
    from scoring.policy_settings import PolicySettings
    from scoring.reasons import ReasonBook
    from stores.settings_files import load_settings

    product = load_settings(path, PolicySettings).product
    book = load_settings(session.configs / "reasons" / f"{product.value}.yaml", ReasonBook)
    return load_policy(path, book, session.platform(), deployed_names(session, product))


def deployed_names(session: Session, product: Product) -> tuple[str, ...] | None:
    """Features of the deployed model; None where none is deployed."""
    from scoring.bundle import load_bundle
    from stores.bundles import pointed

    digest = pointed(session.home.pointers, product.value)
    if digest is None:
        return None
    return load_bundle(session.home.bundles / digest, score_golden_in_child=False).encoder.names
