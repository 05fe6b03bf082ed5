"""``assay features backfill``: build or refresh the checkpoint that a service starts from."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.settings import PlatformSettings
    from features.catalogue import FeatureSet
    from stores.journal import Journal


def backfill(
    context: typer.Context,
    config: Annotated[
        str | None, typer.Argument(metavar="CONFIG", help="fraud, credit, or the path of a training config.")
    ] = None,
    deployed: Annotated[
        bool, typer.Option("--deployed", metavar="", help="The feature sets of the deployed bundles.")
    ] = False,
    states: Annotated[
        str | None, typer.Option(metavar="URL", help="A Valkey or Redis server; by default a file in the home.")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", metavar="", help="From the whole journal, whatever was there before.")
    ] = False,
    as_json: AS_JSON = False,
) -> None:
    """Bring the checkpoint of a feature set up to the end of the journal, so that a service starts warm.

    What is there is followed on, and built anew where it cannot be used; doing it again changes nothing.

      assay features backfill --deployed
      assay features backfill fraud --json
    """
    from cli.screen import out, print_json, table
    from domain.errors import InputError, expected_got
    from stores.states_open import open_states

    if (config is None) != deployed:
        got = "both" if deployed else "neither"
        raise InputError(expected_got("a config, or --deployed", got, "assay features backfill"))
    session = session_of(context)
    found = []
    with session.database() as database:
        journal = session.journal(database)
        store = open_states(session.home, states)
        try:
            for chosen, platform in _chosen(session, config, journal):
                if anew:
                    store.drop(chosen.hash)
                found.append(_backfilled(session, chosen, platform, journal, store))
        finally:
            store.close()
    if as_json:
        print_json(found)
        return
    columns = ["product", "features", "seq", "entities", "rows", "bytes written", "seconds"]
    rows = [
        [each["product"], f"{each['features'][:12]}…", *(each[name] for name in ("seq", "n_entities", "n_rows",
         "n_bytes", "seconds"))]
        for each in found
    ]  # fmt: skip
    out().print(table("checkpoints up to the end of the journal", columns, rows, right=columns[2:]))


def _chosen(session: Session, config: str | None, journal: Journal) -> Iterator[tuple[FeatureSet, PlatformSettings]]:
    from cli.features import feature_set
    from domain.errors import DataError, expected_got
    from scoring.bundle import load_bundle
    from scoring.policy import POLICY_FILES
    from stores.bundles import pointed

    if config is not None:
        yield feature_set(session, config, journal), session.platform()
        return
    digests = [pointed(session.home.pointers, product.value) for product in POLICY_FILES]
    if not any(digests):
        raise DataError(
            expected_got("a deployed bundle", "none", str(session.home.pointers)) + "; deploy one with `assay deploy`"
        )
    for digest in digests:
        if digest is not None:
            # Only its feature set is used, which the manifest vouches for; the service scores the golden rows itself.
            bundle = load_bundle(session.home.bundles / digest, score_golden_in_child=False)
            yield bundle.feature_set, bundle.platform


def _backfilled(
    session: Session, chosen: FeatureSet, platform: PlatformSettings, journal: Journal, store: Any
) -> dict[str, Any]:
    from cli.screen import err, progress
    from domain.time import system_clock
    from features.checkpoint import start_state, write_checkpoint
    from features.online import OnlineState

    started = time.perf_counter()
    label = f"state of {chosen.product}"
    with progress(label) as bar:
        bar.steps(0, 0, "following the journal")
        state = start_state(
            lambda: OnlineState(chosen, platform, session.home.kernel_cache),
            journal,
            store,
            lambda reason: err().print(f"built anew: {reason}", markup=False, highlight=False, soft_wrap=True),
        )
        state.evict(system_clock())
        n_changed = state.holdings.n_changed
        done = 0

        def written(n_records: int) -> None:
            nonlocal done
            done += n_records
            bar.steps(done, n_changed, "writing what changed")

        fresh = state.saved is None or n_changed or state.saved.seq != state.seq
        n_bytes = write_checkpoint(state, store, written) if fresh else 0
    return {
        "product": chosen.product,
        "features": chosen.hash,
        "seq": state.seq,
        "n_entities": state.holdings.n_entities,
        "n_rows": state.holdings.n_rows,
        "n_bytes": n_bytes,
        "seconds": round(time.perf_counter() - started, 2),
    }
