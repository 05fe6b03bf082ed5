"""The one direction of imports, and that nothing happens at import."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

PROJECT = Path(__file__).parents[1]
PACKAGES = ("domain", "stores", "data", "features", "scoring", "training", "serving", "monitoring", "cli")


def modules() -> list[str]:
    """Every module of every package."""
    found = []
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def test_imports_run_one_way(monkeypatch):
    monkeypatch.chdir(PROJECT)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0


def test_the_contracts_cover_every_package():
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    folders = {path.parent.name for path in PROJECT.glob("*/__init__.py")} - {"tests"}
    assert folders == set(settings["root_packages"]) == set(PACKAGES)


def test_an_import_the_other_way_is_caught(tmp_path, monkeypatch):
    """The linter is not merely asleep: a package that imports upwards fails."""
    for name, text in (("low", "import high\n"), ("high", "")):
        (tmp_path / f"{name}_layer").mkdir()
        (tmp_path / f"{name}_layer" / "__init__.py").write_text(text.replace("high", "high_layer"), encoding="utf-8")
    contract = (
        '[[tool.importlinter.contracts]]\nname = "one way"\ntype = "layers"\nlayers = ["high_layer", "low_layer"]\n'
    )
    config = '[tool.importlinter]\nroot_packages = ["low_layer", "high_layer"]\n' + contract
    (tmp_path / "pyproject.toml").write_text(config, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 1


# Runs first in the child: everything that our modules do at import is seen by Python's audit hooks.
WATCH = """
import os, sys
sys.path.insert(0, {project!r})
OURS = {project!r} + os.sep
PACKAGES = {packages!r}
seen = []

def ours(frame):
    # The nearest frame that is a module's own top level, and not a library imported by it.
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith("<frozen"):
            inside = name.startswith(OURS) and name[len(OURS):].split(os.sep)[0] in PACKAGES
            return name if inside else None
        frame = frame.f_back
    return None

def watch(event, arguments):
    risky = event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir", "os.remove", "os.rename",
                      "sqlite3.connect", "os.system", "shutil.rmtree", "os.putenv")
    if event == "open":
        mode, flags = arguments[1], arguments[2]
        risky = mode not in ("r", "rb", None)
        if isinstance(flags, int):
            risky = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if risky:
        where = ours(sys._getframe(1))
        if where:
            seen.append([event, str(arguments[0]), where])
"""


@pytest.mark.slow
def test_nothing_happens_at_import(tmp_path):
    """Importing every module prints nothing, makes no file and no socket, and sets no variable."""
    code = WATCH.format(project=str(PROJECT), packages=PACKAGES) + (
        "import json, threading\n"
        "sys.addaudithook(watch)\n"
        f"for name in {modules()!r}:\n"
        "    __import__(name)\n"
        "threads = [t.name for t in threading.enumerate() if t is not threading.main_thread()]\n"
        "print(json.dumps({'seen': seen, 'threads': threads, 'folder': os.listdir()}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-W", "ignore", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *printed, last = done.stdout.splitlines()
    assert printed == []
    found = json.loads(last)
    assert found["seen"] == []
    assert found["threads"] == []
    assert found["folder"] == []


def test_the_watch_sees_what_it_should(tmp_path):
    """A module of ours that writes a file at import would be reported."""
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "guilty.py").write_text(
        f"open({str(tmp_path / 'trace')!r}, 'w').close()\n", encoding="utf-8"
    )
    code = WATCH.format(project=str(tmp_path), packages=PACKAGES) + (
        "import json\nsys.addaudithook(watch)\nimport domain.guilty\nprint(json.dumps(seen))\n"
    )
    done = subprocess.run(
        [sys.executable, "-E", "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    ((event, target, where),) = json.loads(done.stdout)
    assert (event, Path(target).name, Path(where).name) == ("open", "trace", "guilty.py")


@pytest.mark.parametrize("name", ["utils", "util", "helpers", "helper", "manager", "process"])
def test_no_module_hides_behind_a_name_that_says_nothing(name):
    assert not [module for module in modules() if name in module.split(".")]
