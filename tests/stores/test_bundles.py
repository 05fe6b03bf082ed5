from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import ModelError
from stores import bundles
from stores.bundles import MANIFEST, install, point, pointed, previous, verify_files, write_manifest

A, B, C = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    made.mkdir()
    (made / "model.txt").write_text("tree")
    (made / "golden.parquet").write_bytes(bytes(range(256)))
    write_manifest(made, {"name": "fraud", "seed": 7, "cost": 0.1, "who": "李雷"})
    return made


def test_a_manifest_names_every_file_and_keeps_what_is_said(folder: Path) -> None:
    manifest = verify_files(folder)
    assert set(manifest.files) == {"model.txt", "golden.parquet"}
    assert dict(manifest.about) == {"name": "fraud", "seed": 7, "cost": 0.1, "who": "李雷"}
    assert manifest.read("model.txt") == b"tree"
    assert len(manifest.hash) == 64


def test_equal_content_has_an_equal_hash_and_any_change_another(folder: Path) -> None:
    about = {"seed": 7, "who": "李雷", "cost": 0.1, "name": "fraud"}
    before = verify_files(folder).hash
    assert write_manifest(folder, about) == before
    assert write_manifest(folder, {**about, "seed": 8}) != before
    (folder / "model.txt").write_text("tref")
    assert write_manifest(folder, about) != before


def test_what_is_no_json_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_manifest(folder, {"auc": float("nan")})


@pytest.mark.parametrize("place", [0, 1, 100, 255])
@pytest.mark.parametrize("bit", [0, 7])
def test_a_flipped_bit_is_seen(folder: Path, place: int, bit: int) -> None:
    content = bytearray((folder / "golden.parquet").read_bytes())
    content[place] ^= 1 << bit
    (folder / "golden.parquet").write_bytes(bytes(content))
    with pytest.raises(ModelError, match=r"golden\.parquet: expected sha256 .* altered or cut off; deploy"):
        verify_files(folder)


def test_a_truncated_file_is_seen(folder: Path) -> None:
    (folder / "golden.parquet").write_bytes(bytes(range(255)))
    with pytest.raises(ModelError, match="altered or cut off"):
        verify_files(folder)


def test_missing_and_extra_files_are_named(folder: Path) -> None:
    (folder / "model.txt").rename(folder / "model.bak")
    with pytest.raises(ModelError, match=r"missing \['model.txt'\], extra \['model.bak'\]"):
        verify_files(folder)


def test_an_extra_file_alone_is_named(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(b"")
    with pytest.raises(ModelError, match=r"missing \[\], extra \['model.pkl'\]"):
        verify_files(folder)


def test_links_and_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("tree")
    (folder / "model.txt").unlink()
    (folder / "model.txt").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="plain files only"):
        verify_files(folder)
    (folder / "model.txt").unlink()
    (folder / "model.txt").mkdir()
    with pytest.raises(ModelError, match="plain files only"):
        verify_files(folder)


def test_a_folder_that_is_absent_or_has_no_manifest_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected a bundle folder, found none; deploy"):
        verify_files(tmp_path / "absent")
    (folder / MANIFEST).unlink()
    with pytest.raises(ModelError, match=r"manifest\.json: expected a file of the bundle"):
        verify_files(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"format": 1, "files": {}, "about": {}}',
        b'{"format": 2, "files": {"a": "%s"}, "about": {}}' % A.encode(),
        b'{"format": 1, "files": {"../a": "%s"}, "about": {}}' % A.encode(),
        b'{"format": 1, "files": {".hidden": "%s"}, "about": {}}' % A.encode(),
        b'{"format": 1, "files": {"manifest.json": "%s"}, "about": {}}' % A.encode(),
        b'{"format": 1, "files": {"a": "12"}, "about": {}}',
        b'{"format": 1, "files": {"a": 12}, "about": {}}',
        b'{"format": 1, "files": {"a": "%s"}, "about": []}' % A.encode(),
        b'{"format": 1, "files": {"a": "%s"}, "about": {}, "more": 1}' % A.encode(),
    ],
)
def test_what_is_no_manifest_is_refused(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(ModelError, match=r"manifest\.json: expected"):
        verify_files(folder)


def test_a_file_altered_after_it_was_verified_is_not_read(folder: Path) -> None:
    manifest = verify_files(folder)
    (folder / "model.txt").write_text("trap")
    with pytest.raises(ModelError, match=r"model\.txt: expected sha256"):
        manifest.read("model.txt")
    with pytest.raises(ModelError, match="expected a bundle with other"):
        manifest.read("other")


def test_an_installed_bundle_lies_under_its_hash_and_twice_is_once(folder: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "bundles"
    target = install(folder, shelf)
    assert target == shelf / verify_files(folder).hash
    assert verify_files(target).files == verify_files(folder).files
    assert install(folder, shelf) == target
    assert [path.name for path in shelf.iterdir()] == [target.name]


def test_an_altered_bundle_is_not_installed(folder: Path, tmp_path: Path) -> None:
    (folder / "model.txt").write_text("trap")
    with pytest.raises(ModelError):
        install(folder, tmp_path / "bundles")
    assert not (tmp_path / "bundles").exists()


def test_an_installed_bundle_whose_manifest_was_rewritten_is_seen(folder: Path, tmp_path: Path) -> None:
    target = install(folder, tmp_path / "bundles")
    (target / "model.txt").write_text("trap")
    write_manifest(target, {"name": "fraud"})
    with pytest.raises(ModelError, match="hash the folder is named by"):
        verify_files(target)


def _cut(target: Path) -> None:
    (target / "model.txt").write_text("tre")


def _rewrite(target: Path) -> None:
    (target / "model.txt").write_text("trap")
    write_manifest(target, {"name": "fraud"})


def _replace_by_a_file(target: Path) -> None:
    shutil.rmtree(target)
    target.write_text("tree")


def _replace_by_a_dangling_link(target: Path) -> None:
    shutil.rmtree(target)
    target.symlink_to("nowhere")


@pytest.mark.parametrize("alter", [_cut, _rewrite, _replace_by_a_file, _replace_by_a_dangling_link])
def test_installing_again_mends_an_altered_bundle_and_keeps_the_altered_one(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, alter: Callable[[Path], None]
) -> None:
    """Deploying again is what the refusal of an altered bundle advises: it has to help."""
    shelf = tmp_path / "bundles"
    target = install(folder, shelf)
    for number in (1, 2):
        caplog.clear()
        alter(target)
        with pytest.raises(ModelError):
            verify_files(target)
        assert install(folder, shelf) == target
        assert verify_files(target).files == verify_files(folder).files
        aside = shelf / f".altered-{target.name}-{number}"
        assert os.path.lexists(aside)
        (told,) = [record.getMessage() for record in caplog.records]
        assert f"set aside as {aside}" in told
        assert "deploy the model again" not in told
    assert {path.name for path in shelf.iterdir()} == {target.name, *(f".altered-{target.name}-{n}" for n in (1, 2))}
    if alter is _cut:
        assert (aside / "model.txt").read_text() == "tre"


def _eight_at_once(folder: Path, shelf: Path) -> list[Path]:
    """What eight threads that install the same bundle are given."""
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(install(folder, shelf))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_many_who_mend_one_bundle_set_it_aside_once(folder: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "bundles"
    target = install(folder, shelf)
    _cut(target)
    assert _eight_at_once(folder, shelf) == [target] * 8
    assert verify_files(target).hash == target.name
    assert {path.name for path in shelf.iterdir()} == {target.name, f".altered-{target.name}-1"}


def test_a_failed_mending_leaves_the_altered_bundle_where_it_was(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "bundles"
    target = install(folder, shelf)
    _cut(target)

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundles, "write_synced", full)
    with pytest.raises(OSError, match="No space"):
        install(folder, shelf)
    assert [path.name for path in shelf.iterdir()] == [target.name]


def test_a_failed_installation_leaves_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = tmp_path / "bundles"
    honest = bundles.write_synced

    def full(path: Path, content: bytes) -> None:
        if path.name == "model.txt":
            raise OSError(28, "No space left on device")
        honest(path, content)

    monkeypatch.setattr(bundles, "write_synced", full)
    with pytest.raises(OSError, match="No space"):
        install(folder, shelf)
    assert list(shelf.iterdir()) == []


def test_many_installers_of_one_bundle_agree(folder: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "bundles"
    found = _eight_at_once(folder, shelf)
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [path.name for path in shelf.iterdir()] == [found[0].name]


def test_the_pointer_keeps_the_former_bundle(tmp_path: Path) -> None:
    assert pointed(tmp_path, "payment") is None
    assert previous(tmp_path, "payment") is None
    point(tmp_path, "payment", A, 0)
    assert (pointed(tmp_path, "payment"), previous(tmp_path, "payment")) == (A, None)
    point(tmp_path, "payment", B, 1_000_000)
    assert (pointed(tmp_path, "payment"), previous(tmp_path, "payment")) == (B, A)
    point(tmp_path, "payment", B, 2_000_000)
    assert (pointed(tmp_path, "payment"), previous(tmp_path, "payment")) == (B, A)
    assert pointed(tmp_path, "loan") is None
    content = json.loads((tmp_path / "payment.json").read_text())
    assert content == {"bundle": B, "previous": A, "at": "1970-01-01T00:00:02Z"}
    assert [path.name for path in tmp_path.iterdir()] == ["payment.json"]


def test_of_many_who_point_at_once_none_is_forgotten(tmp_path: Path) -> None:
    """Each notes the one before it for rollback: following these notes leads through all of them."""
    hashes = [f"{number:064x}" for number in range(1, 33)]
    point(tmp_path, "payment", A, 0)
    seen: dict[str, str | None] = {}
    lock = threading.Lock()

    def pointing(mine: list[str]) -> None:
        for bundle in mine:
            point(tmp_path, "payment", bundle, 1)
            with lock:
                content = json.loads((tmp_path / "payment.json").read_text())
                seen[content["bundle"]] = content["previous"]

    threads = [threading.Thread(target=pointing, args=(hashes[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Nobody's predecessor is named twice: that would be a step of somebody else that was not seen.
    assert len(set(seen.values())) == len(seen)
    assert [path.name for path in tmp_path.iterdir()] == ["payment.json"]


def test_a_crash_before_the_rename_keeps_the_old_pointer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point(tmp_path, "payment", A, 0)

    def crash(path: Path, target: Path) -> Path:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(OSError, match="Input/output"):
        point(tmp_path, "payment", B, 1)
    monkeypatch.undo()
    assert pointed(tmp_path, "payment") == A
    assert [path.name for path in tmp_path.iterdir()] == ["payment.json"]


def test_a_reader_never_sees_half_a_pointer(tmp_path: Path) -> None:
    point(tmp_path, "payment", A, 0)
    seen: set[str | None] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(pointed(tmp_path, "payment"))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(50):
        point(tmp_path, "payment", (A, B)[turn % 2], turn)
    done.set()
    reader.join()
    assert seen <= {A, B}


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"bundle": "x", "previous": null, "at": "t"}', b"\xff"])
def test_a_damaged_pointer_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "payment.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"payment\.json: expected"):
        pointed(tmp_path, "payment")


def test_a_pointer_takes_plain_names_and_hashes_only(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="64 hex digits"):
        point(tmp_path, "payment", "latest", 0)
    with pytest.raises(ModelError, match="plain name"):
        point(tmp_path, "../payment", A, 0)
    assert list(tmp_path.iterdir()) == []
