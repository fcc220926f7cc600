"""What the package is made of, as CycloneDX: `python -m tests.supply.sbom`, or `make sbom`."""

import json
import re
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
# What packages say of themselves in other words than SPDX's.
_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
}
# How the text of MIT's begins.
_MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy"


def components() -> dict[str, Distribution]:
    """All that is installed with the package on this machine, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found: dict[str, Distribution] = {}
    waiting = list(project["dependencies"])
    while waiting:
        name = needed(waiting.pop())
        if name is None or name in found:
            continue
        found[name] = distribution(name)
        waiting += found[name].requires or []
    return dict(sorted(found.items()))


def needed(requirement: str) -> str | None:
    """The name of a package that is required here; None where it is for other systems or extras."""
    read = Requirement(requirement)
    if read.marker is not None and not read.marker.evaluate({"extra": ""}):
        return None
    return re.sub(r"[-_.]+", "-", read.name).lower()


def licence(of: Distribution) -> str:
    """A package's licence, as SPDX says it where that is known."""
    told = of.metadata
    if "License-Expression" in told:
        return told["License-Expression"]
    classifiers = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier", [])]
    names = [_CLASSIFIERS[one] for one in classifiers if one in _CLASSIFIERS]
    return " OR ".join(names) or "".join(told.get_all("License", [])) or _by_its_text(of)


def _by_its_text(of: Distribution) -> str:
    """The licence of a package that only brings the text of it."""
    brought = [one for one in of.files or [] if one.name.startswith("LICENSE")]
    is_mit = any(_MIT in " ".join(one.read_text("utf-8").split()) for one in brought)
    return "MIT" if is_mit else ""


def document() -> dict[str, Any]:
    """The bill of materials."""
    found = components()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": _component("rapport-server", distribution("rapport-server"))},
        "components": [_component(name, one) for name, one in found.items()],
        "dependencies": [
            {"ref": _purl(name, one), "dependsOn": _needs(one, found)}
            for name, one in found.items()
        ],
    }


def _component(name: str, one: Distribution) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": _purl(name, one),
        "name": name,
        "version": one.version,
        "purl": _purl(name, one),
        "licenses": [{"expression": licence(one)}],
    }


def _needs(one: Distribution, found: dict[str, Distribution]) -> list[str]:
    names = {needed(requirement) for requirement in one.requires or []} - {None}
    return [_purl(name, found[name]) for name in sorted(filter(None, names))]


def _purl(name: str, one: Distribution) -> str:
    return f"pkg:pypi/{name}@{one.version}"


def main() -> None:
    """Write it."""
    (ROOT / "sbom.cdx.json").write_text(json.dumps(document(), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
