"""Home: the folder that holds everything a run writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domain.errors import DataError, expected_got


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below one root (``--home``, default ``.assay/``).

    Examples
    --------
    >>> Home(Path(".assay")).database.as_posix()
    '.assay/assay.db'
    """

    root: Path

    def expect(self, held: str, *, file: Path | None = None) -> None:
        """Refuse to make a home by reading it: a mistyped one would be there afterwards, and empty.

        Parameters
        ----------
        held : what the home must hold, for the message.
        file : the file that holds it; None where the folder itself suffices.

        Raises
        ------
        DataError
            When there is no such folder, or it lacks the file.
        """
        if not self.root.is_dir():
            found = "no such folder"
        elif file is not None and not file.is_file():
            found = "a folder without one"
        else:
            return
        raise DataError(
            expected_got(f"a home with {held}", found, str(self.root))
            + "; fill it with `assay simulate`, `assay import` or `assay demo`, or name another with --home"
        )

    @property
    def database(self) -> Path:
        """Journal, ledger and vault: one SQLite file, so that a decision is one transaction."""
        return self.root / "assay.db"

    @property
    def states(self) -> Path:
        """Checkpoints of feature states; a cache of the journal, which can be removed."""
        return self.root / "states.db"

    @property
    def segments(self) -> Path:
        """Parquet flushed from the journal."""
        return self.root / "journal"

    @property
    def imports(self) -> Path:
        """Records of what was imported, and rows that were not."""
        return self.root / "imports"

    @property
    def snapshots(self) -> Path:
        """Feature tables with their manifests."""
        return self.root / "snapshots"

    @property
    def bundles(self) -> Path:
        """Deployed bundles, one folder per hash."""
        return self.root / "bundles"

    @property
    def pointers(self) -> Path:
        """One small file per product naming the deployed bundle; the only thing serving reads."""
        return self.root / "pointers"

    @property
    def keys(self) -> Path:
        """Secret keys, readable by the owner only."""
        return self.root / "keys"

    @property
    def kernel_cache(self) -> Path:
        """Compiled feature kernels, one folder per hash of their sources."""
        return self.root / "kernel"

    @property
    def studies(self) -> Path:
        """Folder of searches that can be taken up again."""
        return self.root / "studies"

    @property
    def reviews(self) -> Path:
        """Findings and verdicts on models: signed lines, only ever appended to."""
        return self.root / "reviews.jsonl"

    @property
    def retraining(self) -> Path:
        """Requests to train again: signed lines, only ever appended to."""
        return self.root / "retraining.jsonl"

    @property
    def heartbeat(self) -> Path:
        """When the watch last ran."""
        return self.root / "watch.json"

    @property
    def changes(self) -> Path:
        """Changes of policies and lists: signed lines, only ever appended to."""
        return self.root / "changes.jsonl"

    @property
    def changed_contents(self) -> Path:
        """What the changes are about, one file per hash."""
        return self.root / "changes"

    @property
    def shadow(self) -> Path:
        """Scores of challengers in the shadow: a file of its own, so that writing them never waits for a decision."""
        return self.root / "shadow.db"

    @property
    def drills(self) -> Path:
        """Records of drills: signed lines, only ever appended to."""
        return self.root / "drills.jsonl"

    @property
    def reports(self) -> Path:
        """Pages, tables and pictures for people."""
        return self.root / "reports"

    @property
    def restricted(self) -> Path:
        """What only the officers of the restricted class may read; a folder of the owner's alone."""
        return self.root / "restricted"

    @property
    def tracking_uri(self) -> str:
        """MLflow's default backend; ``MLFLOW_TRACKING_URI`` overrides it."""
        return f"sqlite:///{self.registry.resolve().as_posix()}"

    @property
    def registry(self) -> Path:
        """MLflow's runs and registered versions, where the home keeps its own."""
        return self.root / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        """MLflow's default artifact folder."""
        return self.root / "mlartifacts"
