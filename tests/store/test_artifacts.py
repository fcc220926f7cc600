"""An artifact has at most one parent, ever. There is no upload yet, so these tests add the rows
themselves.
"""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from rapport.auth.caller import Caller
from rapport.contract import engagements as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import (
    ApiError,
    ArtifactAlreadyAttachedToAParent,
    InvalidId,
    ValueNotPermitted,
)
from rapport.contract.kit.fields import SetArtifacts
from rapport.contract.kit.ids import ArtifactId, EngagementId
from rapport.store import engagements
from rapport.store.engagement_links import Related
from rapport.store.kit.db import LostRace, Tx
from tests.support.engine import SOON, Engine, row_of, settled


def _prepare(store: Engine, org: str, *numbers: int, uploaded: bool = True) -> None:
    async def insert(tx: Tx) -> None:
        for number in numbers:
            await tx.run(
                """
                INSERT INTO artifacts (org, number, file_name, uploaded_date, created_by, created_date, modified_by, modified_date)
                VALUES (:org, :number, 'notes.txt', :uploaded, 'DEVU-1', 1, 'DEVU-1', 1)
                """,
                org=org,
                number=number,
                uploaded=1 if uploaded else None,
            )

    store.write(insert)


def _named(*numbers: int) -> list[ArtifactId]:
    return [ArtifactId.parse(f"ARTIFACT-{number}") for number in numbers]


async def _set(
    store: Engine, caller: Caller, engagement: Any, artifacts: Sequence[ArtifactId]
) -> Any:
    request = contract.EngagementsUpdateRequest(
        id=EngagementId.parse(engagement["id"]), artifacts=SetArtifacts(set=list(artifacts))
    )
    answer = await store.invoker.invoke(caller, contract.UPDATE, request)
    return msgspec.json.decode(answer.body)["engagement"]


def _count(store: Engine, org: str) -> int:
    return int(store.all("SELECT count(*) FROM engagements WHERE org = :org", org=org)[0][0])


def test_an_uploaded_artifact_is_attached_and_comes_back_as_a_don(store: Engine) -> None:
    alice = store.person()
    _prepare(store, alice.org, 1, 2)
    made = store.run(store.create(alice, artifacts=_named(2, 1, 2)))
    assert made["artifacts"] == [
        ids.don(ids.ARTIFACT, alice.org, 2),
        ids.don(ids.ARTIFACT, alice.org, 1),
    ]


def test_an_artifact_that_was_never_uploaded_is_not_permitted(store: Engine) -> None:
    alice = store.person()
    _prepare(store, alice.org, 1)
    _prepare(store, alice.org, 2, uploaded=False)
    with pytest.raises(ValueNotPermitted) as refused:
        store.run(store.create(alice, artifacts=_named(1, 2)))
    assert refused.value.field_name == "artifacts[1]"
    assert _count(store, alice.org) == 0


def test_an_artifact_of_another_engagement_is_refused_with_its_parent(store: Engine) -> None:
    alice = store.person()
    _prepare(store, alice.org, 1)
    first = store.run(store.create(alice, artifacts=_named(1)))
    with pytest.raises(ArtifactAlreadyAttachedToAParent) as refused:
        store.run(store.create(alice, artifacts=_named(1)))
    assert refused.value.fields == {"existing_parent": first["id"], "is_same": False}
    assert _count(store, alice.org) == 1


def test_another_orgs_artifact_is_no_artifact(store: Engine) -> None:
    alice, charlie = store.person(), store.person("Charlie")
    _prepare(store, charlie.org, 1)
    foreign = ArtifactId.parse(ids.don(ids.ARTIFACT, charlie.org, 1))
    for artifact in (foreign, *_named(1)):
        with pytest.raises(InvalidId) as refused:
            store.run(store.create(alice, artifacts=[artifact]))
        assert refused.value.field_name == "artifacts[0]"
    assert store.all("SELECT parent FROM artifacts") == [(None,)]


def test_of_64_that_want_one_artifact_one_gets_it(store: Engine) -> None:
    alice = store.person()
    _prepare(store, alice.org, 1)

    results = store.run(settled([store.create(alice, artifacts=_named(1)) for _ in range(64)]))
    winners = [result for result in results if isinstance(result, dict)]
    refused = [result for result in results if isinstance(result, ArtifactAlreadyAttachedToAParent)]
    assert (len(winners), len(refused)) == (1, 63)
    assert {error.fields["existing_parent"] for error in refused} == {winners[0]["id"]}
    assert _count(store, alice.org) == 1
    assert store.all("SELECT parent FROM artifacts") == [(winners[0]["display_id"],)]


def test_of_64_updates_that_want_one_artifact_one_gets_it(store: Engine) -> None:
    alice = store.person()
    _prepare(store, alice.org, 1)
    made = [store.run(store.create(alice)) for _ in range(8)]

    results = store.run(settled([_set(store, alice, made[n % 8], _named(1)) for n in range(64)]))
    winners = {result["id"] for result in results if isinstance(result, dict)}
    assert len(winners) == 1
    assert sum(isinstance(result, ArtifactAlreadyAttachedToAParent) for result in results) == 56


def test_two_calls_of_a_batch_with_common_artifacts_leave_one_winner(
    store: Engine,
) -> None:
    alice = store.person()
    _prepare(store, alice.org, 1, 2, 3)
    wanted = [_named(1, 2), _named(2, 3), _named(3)]

    first, second, third = store.run(
        settled([store.create(alice, artifacts=one) for one in wanted])
    )
    assert isinstance(first, dict)
    assert isinstance(second, ArtifactAlreadyAttachedToAParent)
    assert isinstance(third, dict)
    parents = store.all(
        "SELECT number, parent FROM artifacts WHERE org = :org ORDER BY 1", org=alice.org
    )
    assert parents == [(1, first["display_id"]), (2, first["display_id"]), (3, third["display_id"])]


def test_one_taken_out_of_the_set_may_come_back_here_and_nowhere_else(store: Engine) -> None:
    alice = store.person()
    _prepare(store, alice.org, 1, 2)
    made = store.run(store.create(alice, artifacts=_named(1, 2)))
    other = store.run(store.create(alice))
    without = store.run(_set(store, alice, made, _named(2)))
    assert without["artifacts"] == [ids.don(ids.ARTIFACT, alice.org, 2)]
    for refusal in (_set(store, alice, other, _named(1)), store.create(alice, artifacts=_named(1))):
        with pytest.raises(ArtifactAlreadyAttachedToAParent) as refused:
            store.run(refusal)
        assert refused.value.fields["existing_parent"] == made["id"]
    assert "artifacts" not in store.run(_set(store, alice, made, []))
    back = store.run(_set(store, alice, made, _named(1)))
    assert back["artifacts"] == [ids.don(ids.ARTIFACT, alice.org, 1)]


def test_naming_what_is_attached_here_already_changes_nothing(store: Engine) -> None:
    alice = store.person()
    _prepare(store, alice.org, 1, 2)
    made = store.run(store.create(alice, artifacts=_named(1, 2)))
    store.now += 5_000
    assert store.run(_set(store, alice, made, _named(1, 2))) == made
    turned = store.run(_set(store, alice, made, _named(2, 1)))
    assert turned["artifacts"] == made["artifacts"][::-1]
    assert turned["modified_date"] > made["modified_date"]


def test_a_deleted_engagement_keeps_its_artifacts(store: Engine) -> None:
    alice = store.person()
    _prepare(store, alice.org, 1)
    made = store.run(store.create(alice, artifacts=_named(1)))
    request = contract.EngagementsDeleteRequest(id=EngagementId.parse(made["id"]))
    store.run(store.invoker.invoke(alice, contract.DELETE, request))
    with pytest.raises(ArtifactAlreadyAttachedToAParent):
        store.run(store.create(alice, artifacts=_named(1)))


def test_all_problems_with_references_come_at_once_in_the_contracts_order(store: Engine) -> None:
    alice = store.person()
    _prepare(store, alice.org, 1, uploaded=False)
    wrong = {
        "members": [ids.UserId.parse("DEVU-9")],
        "artifacts": _named(1, 7),
        "parent": ids.ParentId.parse("ACC-9"),
    }
    with pytest.raises(ApiError) as refused:
        store.run(store.create(alice, **wrong))
    named = [(error.type, error.field_name) for error in refused.value.violations]
    assert named == [
        ("invalid_id", "members[0]"),
        ("value_not_permitted", "artifacts[0]"),
        ("invalid_id", "artifacts[1]"),
        ("invalid_id", "parent"),
    ]


def test_the_statement_refuses_an_artifact_that_got_another_parent(
    store: Engine,
) -> None:
    org = store.new_org()
    _prepare(store, org, 1, 2)
    rows = [row_of(org, number) for number in (1, 2, 3)]
    store.write(lambda tx: engagements.insert(tx, rows[:1], [Related(artifacts=["ARTIFACT-1"])]))
    with pytest.raises(LostRace):
        store.write(
            lambda tx: engagements.insert(
                tx, rows[1:2], [Related(artifacts=["ARTIFACT-2", "ARTIFACT-1"])]
            )
        )
    assert store.all("SELECT number, parent FROM artifacts ORDER BY 1") == [
        (1, "ENGAGEMENT-1"),
        (2, None),
    ]
    assert store.all("SELECT number FROM engagements") == [(1,)]


def test_a_retry_beside_its_first_waits_and_gets_its_answer(
    store: Engine,
) -> None:
    alice = store.person()
    began = time.monotonic()
    answers = store.run(settled([store.create(alice, key="k-1") for _ in range(64)]))
    assert time.monotonic() - began < SOON
    assert len({answer["id"] for answer in answers if isinstance(answer, dict)}) == 1
    assert all(answer == answers[0] for answer in answers)
    assert _count(store, alice.org) == 1


def test_a_key_spent_on_a_refused_request_is_free(store: Engine) -> None:
    alice = store.person()
    _prepare(store, alice.org, 1, uploaded=False)
    refused = store.run(
        settled([store.create(alice, key="k-1", artifacts=_named(1)) for _ in range(64)])
    )
    assert {type(error) for error in refused} == {ValueNotPermitted}
    assert store.run(store.create(alice, key="k-1"))["title"] == "A call"
