"""Install Azurite as locked: `make test-azure` runs this."""

import os
import subprocess
from pathlib import Path

from tests.sdk.install import node, npm


def main() -> None:
    """Run npm in this folder."""
    path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [*npm(), "ci", "--ignore-scripts", "--omit=optional"]
    subprocess.run(command, cwd=Path(__file__).parent, env={**os.environ, "PATH": path}, check=True)


if __name__ == "__main__":
    main()
