"""What the package is made of: under which licences, and that the bill of materials has it all."""

import re
from pathlib import Path

from tests.supply.sbom import components, document, licence

ROOT = Path(__file__).parents[2]
# What may be linked with and given on under Apache-2.0, without giving source away.
_ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0", "Zlib",
    "any-OSI",  # what apsw says of itself
}  # fmt: skip


def test_every_licence_is_one_that_lets_the_package_be_given_on() -> None:
    told = {name: licence(one) for name, one in components().items()}
    wrong = {
        name: text
        for name, text in told.items()
        # Of several to choose from one is enough.
        if not any(
            all(word in _ALLOWED for word in re.split(" AND ", choice.strip("()")))
            for choice in re.split(" OR ", text)
        )
    }
    assert wrong == {}
    assert len(told) > 15


def test_the_bill_of_materials_names_what_is_locked() -> None:
    lock = dict(
        re.findall(
            r"^([a-z0-9-]+)==([^ ]+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE
        )
    )
    made = document()
    named = {one["name"]: one["version"] for one in made["components"]}
    assert named.items() <= lock.items()
    assert {"apsw", "asyncpg", "msgspec", "pyrage", "uvicorn"} <= named.keys()
    refs = {one["bom-ref"] for one in made["components"]}
    assert all({*one["dependsOn"]} <= refs for one in made["dependencies"])
    assert made["metadata"]["component"]["name"] == "rapport-server"
