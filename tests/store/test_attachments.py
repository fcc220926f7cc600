"""Artifacts on accounts, opportunities, rev users and rev orgs, and as pictures, with rows that
the tests add themselves.
"""

import time
from typing import Any

import msgspec
import pytest

from rapport.auth.caller import Caller
from rapport.contract.kit.errors import ArtifactAlreadyAttachedToAParent, ValueNotPermitted
from rapport.contract.table import METHODS
from rapport.store.kit.db import Tx
from tests.support.engine import Engine


@pytest.fixture
def alice(store: Engine) -> Caller:
    alice = store.person()

    async def insert(tx: Tx) -> None:
        for number in range(1, 6):
            await tx.run(
                """
                INSERT INTO artifacts (org, number, file_name, size, uploaded_date, created_by, created_date, modified_by,
                                       modified_date)
                VALUES (:org, :number, 'face.png', 5, :uploaded, 'DEVU-1', 1, 'DEVU-1', 1)
                """,
                org=alice.org,
                number=number,
                uploaded=1 if number < 5 else None,
            )

    store.write(insert)
    return alice


def call(store: Engine, caller: Caller, method: str, **fields: Any) -> Any:
    found = METHODS[method]

    def read_id(wanted: Any, value: object) -> Any:
        return wanted.parse(value)

    request = msgspec.convert(fields, found.request, dec_hook=read_id)
    answer = store.run(store.invoker.invoke(caller, found, request, deadline=time.monotonic() + 30))
    return msgspec.json.decode(answer.body)


def parents(store: Engine, caller: Caller) -> dict[int, str | None]:
    return dict(
        store.all(
            "SELECT number, parent FROM artifacts WHERE org = :org ORDER BY number", org=caller.org
        )
    )


def names(answer: Any) -> list[str]:
    return [one["display_id"] for one in answer.get("artifacts", [])]


def made(store: Engine, caller: Caller, kind: str, **fields: Any) -> Any:
    """An object of a kind, as it was answered."""
    account = (
        {}
        if kind == "accounts"
        else call(store, caller, "accounts.create", display_name="Acme")["account"]
    )
    least: dict[str, dict[str, Any]] = {
        "accounts": {"display_name": "Acme"},
        "works": {
            "type": "opportunity", "title": "x", "applies_to_part": "p", "owned_by": [caller.user_id],
            "account": account.get("id"),
        },
        "rev-users": {"display_name": "Rita"},
        "rev-orgs": {"display_name": "West", "account": account.get("id")},
    }  # fmt: skip
    return call(store, caller, f"{kind}.create", **least[kind], **fields)[KEYS[kind]]


KEYS = {"accounts": "account", "works": "work", "rev-users": "rev_user", "rev-orgs": "rev_org"}


@pytest.mark.parametrize("kind", KEYS)
def test_an_artifact_belongs_to_the_first_that_takes_it_for_ever(
    store: Engine, alice: Caller, kind: str
) -> None:
    first = made(store, alice, kind, artifacts=["ARTIFACT-2", "ARTIFACT-1", "ARTIFACT-2"])
    assert names(first) == ["ARTIFACT-2", "ARTIFACT-1"]
    assert first["artifacts"][0]["file"] == {"name": "face.png", "size": 5}
    assert {parents(store, alice)[number] for number in (1, 2)} == {first["display_id"]}
    changed = call(
        store, alice, f"{kind}.update", id=first["id"], artifacts={"set": ["ARTIFACT-3"]}
    )[KEYS[kind]]
    assert names(changed) == ["ARTIFACT-3"]
    with pytest.raises(ArtifactAlreadyAttachedToAParent) as refusal:
        made(store, alice, kind, artifacts=["ARTIFACT-4", "ARTIFACT-1"])
    assert refusal.value.fields == {"existing_parent": first["id"], "is_same": False}
    assert parents(store, alice)[4] is None
    back = call(
        store,
        alice,
        f"{kind}.update",
        id=first["id"],
        artifacts={"set": ["ARTIFACT-1", "ARTIFACT-3"]},
    )
    assert names(back[KEYS[kind]]) == ["ARTIFACT-1", "ARTIFACT-3"]
    with pytest.raises(ValueNotPermitted, match="never uploaded"):
        call(store, alice, f"{kind}.update", id=first["id"], artifacts={"set": ["ARTIFACT-5"]})


def test_an_opportunitys_artifacts_are_added_and_removed(store: Engine, alice: Caller) -> None:
    id_ = made(store, alice, "works", artifacts=["ARTIFACT-1"])["id"]

    def change(**change: Any) -> list[str]:
        return names(call(store, alice, "works.update", id=id_, artifacts=change)["work"])

    assert change(add=["ARTIFACT-2"]) == ["ARTIFACT-1", "ARTIFACT-2"]
    assert change(remove=["ARTIFACT-1"], add=["ARTIFACT-3"]) == ["ARTIFACT-2", "ARTIFACT-3"]
    assert change(set=["ARTIFACT-1"]) == ["ARTIFACT-1"]
    assert change(set=[]) == []
    assert set(parents(store, alice).values()) == {"OPP-1", None}


def test_pictures_show_in_summaries_and_are_kept(store: Engine, alice: Caller) -> None:
    rita = made(store, alice, "rev-users", display_picture="ARTIFACT-1")
    assert rita["display_picture"]["display_id"] == "ARTIFACT-1"
    self = call(store, alice, "dev-users.self.update", display_picture="ARTIFACT-2")["dev_user"]
    assert self["display_picture"]["file"] == {"name": "face.png", "size": 5}
    assert self["modified_by"]["display_picture"] == self["display_picture"]
    assert parents(store, alice)[1] == rita["display_id"]
    other = made(store, alice, "rev-users", display_picture="ARTIFACT-1")
    assert other["display_picture"] == rita["display_picture"]
    cleared = call(store, alice, "rev-users.update", id=rita["id"], display_picture=None)[
        "rev_user"
    ]
    assert "display_picture" not in cleared
    with pytest.raises(ValueNotPermitted, match="never uploaded"):
        call(store, alice, "dev-users.self.update", display_picture="ARTIFACT-5")
