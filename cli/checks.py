"""What `assay doctor` looks at: each check reads, leaves nothing behind, and says what to do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from cli.session import Session
from domain.errors import AssayError

PYTHON_FROM, PYTHON_BEFORE = (3, 11), (3, 14)
LEAST_MEMORY_GB = 4.0
LEAST_DISK_GB = 2.0

_CJK_FONTS = (
    "notosanscjk", "notoserifcjk", "notosanssc", "sourcehansans", "sourcehanserif", "wqy", "simhei", "simsun", "msyh",
    "pingfang", "droidsansfallback", "arphic", "uming", "ukai",
)  # fmt: skip
_FONT_FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts", "/System/Library/Fonts",
    "/Library/Fonts", "C:/Windows/Fonts",
)  # fmt: skip
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor: ``state`` is ok, missing (only of an optional part) or fault."""

    group: str
    name: str
    state: str
    found: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        """The line as JSON."""
        return asdict(self)


def all_checks(session: Session, environment: Mapping[str, str]) -> Iterator[Check]:
    """Every check, in the order they are shown."""
    yield python()
    installed = list(packages())
    yield from installed
    yield from machine(session.root)
    yield from parts(environment)
    if any(check.state == "fault" for check in installed):
        return  # what follows is read with those packages
    yield from home(session)
    yield settings(session)
    yield tracking(session, environment)


def _judged(group: str, name: str, fine: bool, found: str, advice: str, *, otherwise: str = "fault") -> Check:
    """A line that carries its advice only when it is not fine."""
    return Check(group, name, "ok" if fine else otherwise, found, "" if fine else advice)


def python() -> Check:
    """The interpreter is one Assay supports."""
    found = ".".join(map(str, sys.version_info[:3]))
    fine = PYTHON_FROM <= sys.version_info[:2] < PYTHON_BEFORE
    return _judged("platform", "Python", fine, found, "install Python 3.11, 3.12 or 3.13 and run `make setup`")


def packages() -> Iterator[Check]:
    """Every dependency of the project's metadata against its floor; extras are optional."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in requires("assay") or []]
    except PackageNotFoundError:
        yield Check("packages", "assay", "fault", "not installed", "run `make setup`")
        return
    for requirement in wanted:
        extra = extra_of(str(requirement.marker or ""))
        if extra == "dev":
            continue
        name = f"{requirement.name} {requirement.specifier}".strip()
        parts_of = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        advice = f'pip install "{requirement.name}{parts_of}{requirement.specifier}"' if extra else "run `make setup`"
        otherwise = "missing" if extra else "fault"
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            yield Check("packages", name, otherwise, "not installed", advice)
            continue
        fits = requirement.specifier.contains(found, prereleases=True)
        yield _judged("packages", name, fits, found, advice, otherwise=otherwise)


def extra_of(marker: str) -> str:
    """The extra that a requirement's marker names, or nothing.

    Examples
    --------
    >>> extra_of('extra == "spark"'), extra_of("")
    ('spark', '')
    """
    return marker.rpartition("extra == ")[2].strip("\"' ") if "extra ==" in marker else ""


def machine(root: Path) -> Iterator[Check]:
    """Cores, memory and disk."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Check("machine", "cores", "ok", str(cores))
    if "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        need = f"at least {LEAST_MEMORY_GB:.0f} GB are needed to train"
        yield _judged("machine", "memory", memory >= LEAST_MEMORY_GB, f"{memory:.1f} GB", need)
    free = shutil.disk_usage(_nearest(root)).free / 2**30
    need = f"at least {LEAST_DISK_GB:.0f} GB free are needed; name another folder with --home"
    yield _judged("machine", "disk", free >= LEAST_DISK_GB, f"{free:.1f} GB free", need)


def home(session: Session) -> Iterator[Check]:
    """The home can be written and what it holds can be read."""
    yield _writable(session.root)
    yield _kernel_cache()
    if not session.home.database.is_file():
        yield Check("home", "journal", "ok", "empty; fill it with `assay simulate`, `assay import` or `assay demo`")
        return
    try:
        with session.database() as database:
            n_events = session.journal(database).last_seq()
            (n_decisions,) = database.one("SELECT count(*) FROM decision")
    except AssayError as error:
        yield Check("home", "journal", "fault", "cannot be read", str(error))
        return
    yield Check("home", "journal", "ok", f"{n_events:,} events")
    yield Check("home", "ledger", "ok", f"{n_decisions:,} decisions")


def _writable(root: Path) -> Check:
    """The home, or the folder it would be made in, takes a file."""
    folder = _nearest(root)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Check("home", "folder", "fault", str(root), f"cannot be written ({error}); name another with --home")
    return Check("home", "folder", "ok", str(root) if root.is_dir() else f"{root} (will be made)")


def _kernel_cache() -> Check:
    """Whether the feature kernel of these sources has been compiled before."""
    from features.kernel.loading import SOURCES, source_hash

    name = f"kernel-{source_hash()}"
    places = (SOURCES / "__pycache__" / name, Path("~/.cache/assay").expanduser() / name)
    warm = next((folder for folder in places if any(folder.rglob("*.nbc"))), None)
    found = f"warm, in {warm}" if warm else "cold: the first run compiles it, about half a minute"
    return Check("home", "feature kernel", "ok", found)


def settings(session: Session) -> Check:
    """The platform's settings can be read."""
    try:
        platform = session.platform()
    except AssayError as error:
        return Check("settings", "platform.yaml", "fault", str(session.configs), str(error))
    agreed = f"{platform.base_currency}, {platform.time_zone} in {session.configs}"
    return Check("settings", "platform.yaml", "ok", agreed)


def tracking(session: Session, environment: Mapping[str, str]) -> Check:
    """MLflow's store answers, or can be made."""
    uri = environment.get("MLFLOW_TRACKING_URI") or session.home.tracking_uri
    if uri.startswith(("http://", "https://")):
        import httpx

        try:
            answer = httpx.get(uri.rstrip("/") + "/health", timeout=3.0)
        except httpx.HTTPError as error:
            advice = f"no answer ({error}); start it or unset MLFLOW_TRACKING_URI"
            return Check("tracking", "MLflow", "fault", uri, advice)
        advice = f"answered {answer.status_code}; check MLFLOW_TRACKING_URI"
        return _judged("tracking", "MLflow", answer.status_code == httpx.codes.OK, uri, advice)
    if uri.startswith("sqlite:///"):
        path = Path(uri.removeprefix("sqlite:///"))
        return Check("tracking", "MLflow", "ok", uri if path.is_file() else f"{uri} (will be made)")
    return Check("tracking", "MLflow", "ok", f"{uri} (not contacted)")


def parts(environment: Mapping[str, str]) -> Iterator[Check]:
    """Programs and servers; all but BentoML's command are needed by some work only."""
    path = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    bentoml = shutil.which("bentoml", path=path)
    yield _part("BentoML command", bentoml, "run `make setup`; `assay serve` needs it", otherwise="fault")
    postgres = _listening(environment.get("PGHOST", "127.0.0.1"), int(environment.get("PGPORT", "5432")))
    yield _part("PostgreSQL", postgres, "apt-get install postgresql; for studies shared by many machines")
    yield _part("Redis or Valkey", _listening("127.0.0.1", 6379), "apt-get install redis-server; for shared state")
    yield _part("Java", _java(path), "apt-get install openjdk-17-jre-headless; for the Spark engine")
    browser = next(filter(None, (shutil.which(name, path=path) for name in _BROWSERS)), None)
    yield _part("Chromium", browser, "apt-get install chromium; to print reports and run browser tests")
    yield _part("Chinese font", _cjk_font(), "apt-get install fonts-noto-cjk; for Chinese text in pictures")


def _part(name: str, found: str | None, advice: str, *, otherwise: str = "missing") -> Check:
    return _judged("parts", name, found is not None, found or "not found", advice, otherwise=otherwise)


def _listening(host: str, port: int) -> str | None:
    """The address when something listens there."""
    if host.startswith("/"):  # PostgreSQL's way of naming a socket folder
        return host if Path(host, f".s.PGSQL.{port}").exists() else None
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return f"{host}:{port}"
    except OSError:
        return None


def _java(path: str) -> str | None:
    command = shutil.which("java", path=path)
    if command is None:
        return None
    said = subprocess.run([command, "-version"], capture_output=True, text=True, check=False, timeout=20)
    return said.stderr.partition("\n")[0].strip() or command if said.returncode == 0 else None


def _cjk_font() -> str | None:
    for folder in _FONT_FOLDERS:
        for path in sorted(Path(folder).expanduser().rglob("*.[to]t[fc]")):
            if path.stem.lower().replace("-", "").startswith(_CJK_FONTS):
                return path.name
    return None


def _nearest(root: Path) -> Path:
    """The folder itself or the nearest one above it that exists."""
    return next(path for path in (root, *root.resolve().parents) if path.is_dir())
