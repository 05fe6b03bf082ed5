"""Artifacts of a home that moved: what lay in its folder is named anew, what lies elsewhere is not."""

from __future__ import annotations

from pathlib import Path

import apsw

from stores.registry_paths import move_artifacts


def test_only_what_lay_in_the_folder_is_named_anew(tmp_path: Path) -> None:
    registry = tmp_path / "mlflow.db"
    database = apsw.Connection(str(registry))
    for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("model_versions", "source")):
        database.execute(f"CREATE TABLE {table} ({column} TEXT)")
    kept = ["file:///a/mlartifacts2/x", "s3://bucket/a/mlartifacts/x", None]
    for address in ("file:///a/mlartifacts", "file:///a/mlartifacts/x", *kept):
        database.execute("INSERT INTO runs VALUES (?)", (address,))
    assert move_artifacts(registry, "file:///a/mlartifacts", "file:///b/mlartifacts") == 2
    found = [row[0] for row in database.execute("SELECT artifact_uri FROM runs")]
    assert found == ["file:///b/mlartifacts", "file:///b/mlartifacts/x", *kept]
    assert move_artifacts(registry, "file:///a/mlartifacts", "file:///a/mlartifacts") == 0
    assert move_artifacts(tmp_path / "none.db", "file:///a", "file:///b") == 0
    assert not (tmp_path / "none.db").exists()
