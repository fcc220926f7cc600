from collections.abc import Callable
from typing import Any

import pytest

from rapport.contract.kit import ids
from rapport.store import accounts, engagements, idempotency, rev_orgs, users
from rapport.store import auth_tokens as tokens
from rapport.store.engagement_links import Related
from rapport.store.kit import references, terms
from rapport.store.kit.db import Tx, UniqueViolation
from tests.support.engine import Engine, row_of

Insert = Callable[[Tx], Any]
AUDIT: dict[str, Any] = {
    "created_by": "DEVU-1",
    "created_date": 1,
    "modified_by": "DEVU-1",
    "modified_date": 1,
}


def _user(org: str, display_id: str, **fields: Any) -> users.UserRow:
    kind = ids.kind_of(display_id).name
    least: dict[str, Any] = {
        "kind": kind, "number": int(display_id.rpartition("-")[2]), "display_name": None, "full_name": None,
        "email": None, "state": "active", "role": None, "external_ref": None, "rev_org": None, "document": "{}",
    }  # fmt: skip
    return users.UserRow(org=org, display_id=display_id, **{**AUDIT, **least, **fields})


def _rev_org(org: str, number: int, external_ref: str | None) -> rev_orgs.RevOrgRow:
    return rev_orgs.RevOrgRow(
        org=org,
        number=number,
        account=1,
        is_default=0,
        display_name="x",
        external_ref=external_ref,
        document="{}",
        **AUDIT,
    )


def _refused(store: Engine, insert: Insert) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(UniqueViolation) as refused:
        store.write(insert)
    return refused.value.table, refused.value.columns


def test_a_live_engagements_external_ref_is_unique_in_its_org(store: Engine) -> None:
    org, other = store.new_org(), store.new_org()

    def insert(org: str, number: int) -> Insert:
        return lambda tx: engagements.insert(
            tx, [row_of(org, number, external_ref="crm-1")], [Related()]
        )

    store.write(insert(org, 1))
    store.write(insert(other, 1))
    assert _refused(store, insert(org, 2)) == ("engagements", ("external_ref",))
    store.write(lambda tx: engagements.delete(tx, org, 1, 5, "DEVU-1"))
    store.write(insert(org, 2))
    assert store.read(
        lambda tx: engagements.by_external_refs(tx, [(org, "crm-1"), (org, "crm-2")])
    ) == {(org, "crm-1"): 2}


def test_an_update_to_an_external_ref_in_use_is_refused(store: Engine) -> None:
    org = store.new_org()
    for number in (1, 2):
        row = row_of(org, number, external_ref=f"crm-{number}")
        store.write(lambda tx, row=row: engagements.insert(tx, [row], [Related()]))  # type: ignore[misc]
    row = row_of(org, 2, external_ref="crm-1")
    assert _refused(store, lambda tx: engagements.update(tx, row, row)) == (
        "engagements",
        ("external_ref",),
    )


def test_engagements_without_an_external_ref_do_not_collide(store: Engine) -> None:
    org = store.new_org()
    rows = [row_of(org, number) for number in range(5)]
    store.write(lambda tx: engagements.insert(tx, rows, [Related()] * 5))


def test_an_orgs_engagement_number_is_unique(store: Engine) -> None:
    org = store.new_org()
    store.write(lambda tx: engagements.insert(tx, [row_of(org, 1)], [Related()]))
    insert = engagements.insert
    assert _refused(store, lambda tx: insert(tx, [row_of(org, 1)], [Related()])) == (
        "engagements",
        ("number",),
    )


def test_a_dev_users_email_is_unique_in_any_case_and_a_rev_users_is_not(store: Engine) -> None:
    org = store.new_org()
    store.write(lambda tx: users.insert(tx, _user(org, "DEVU-1", email="Grüße@Example.com")))
    again = _user(org, "DEVU-2", email="GRU\u0308ßE@example.COM")
    assert _refused(store, lambda tx: users.insert(tx, again)) == ("users", ("email_key",))
    # Nothing is folded but case and composition: ss is another address than ß.
    store.write(lambda tx: users.insert(tx, _user(org, "DEVU-3", email="GRÜSSE@example.COM")))
    store.write(lambda tx: users.insert(tx, _user(org, "REVU-1", email="Grüße@Example.com")))
    store.write(lambda tx: users.insert(tx, _user(org, "REVU-2", email="Grüße@Example.com")))
    store.write(
        lambda tx: users.insert(tx, _user(store.new_org(), "DEVU-1", email="Grüße@Example.com"))
    )
    found = store.read(lambda tx: users.by_email(tx, org, "grüßE@EXAMPLE.com"))
    assert found is not None
    assert (found.display_id, found.email) == ("DEVU-1", "Grüße@Example.com")


def test_a_rev_users_external_ref_is_unique_in_its_org(store: Engine) -> None:
    org = store.new_org()
    store.write(lambda tx: users.insert(tx, _user(org, "REVU-1", external_ref="c-1")))
    again = _user(org, "REVU-2", external_ref="c-1")
    assert _refused(store, lambda tx: users.insert(tx, again)) == ("users", ("external_ref",))
    store.write(lambda tx: users.insert(tx, _user(org, "REVU-3")))
    store.write(lambda tx: users.insert(tx, _user(org, "REVU-4")))


def test_a_rev_orgs_external_ref_is_unique_in_its_org(store: Engine) -> None:
    org = store.new_org()
    store.write(lambda tx: rev_orgs.insert(tx, _rev_org(org, 1, "w-1")))
    again = _rev_org(org, 2, "w-1")
    assert _refused(store, lambda tx: rev_orgs.insert(tx, again)) == ("rev_orgs", ("external_ref",))
    store.write(lambda tx: rev_orgs.insert(tx, _rev_org(org, 3, None)))
    store.write(lambda tx: rev_orgs.insert(tx, _rev_org(org, 4, None)))


def test_an_accounts_external_refs_are_unique_and_other_terms_are_not(
    store: Engine,
) -> None:
    org = store.new_org()
    store.write(
        lambda tx: terms.put(
            tx, org, "ACC-1", {"accounts.external_refs": ["a", "b"], "accounts.domains": ["d"]}
        )
    )
    store.write(
        lambda tx: terms.put(
            tx, org, "ACC-2", {"accounts.external_refs": ["c"], "accounts.domains": ["d"]}
        )
    )
    taken = {"accounts.external_refs": ["c", "b"]}
    assert _refused(store, lambda tx: terms.put(tx, org, "ACC-2", taken)) == ("terms", ("value",))
    kept = "SELECT owner, value FROM terms WHERE org = :org AND field = 'accounts.external_refs' ORDER BY 1, 2"
    assert store.all(kept, org=org) == [("ACC-1", "a"), ("ACC-1", "b"), ("ACC-2", "c")]


def test_putting_terms_replaces_those_of_fields_named_and_keeps_the_rest(store: Engine) -> None:
    org = store.new_org()
    store.write(
        lambda tx: terms.put(
            tx, org, "ACC-1", {"accounts.domains": ["x", "y", "x"], "accounts.tags": ["TAG-1"]}
        )
    )
    store.write(lambda tx: terms.put(tx, org, "ACC-1", {"accounts.domains": ["z"]}))
    kept = "SELECT field, value FROM terms WHERE org = :org ORDER BY 1, 2"
    assert store.all(kept, org=org) == [("accounts.domains", "z"), ("accounts.tags", "TAG-1")]


def test_a_tokens_hash_is_unique_and_leads_to_its_user_as_they_are_now(store: Engine) -> None:
    org = store.new_org()
    store.write(lambda tx: users.insert(tx, _user(org, "DEVU-1", role="admin")))

    def insert(number: int) -> Insert:
        row = tokens.TokenRow(
            org=org,
            number=number,
            user_id="DEVU-1",
            scope="",
            name="n",
            token_type="pat",
            client_id=None,
            created_by="DEVU-1",
            created_date=1,
            modified_by="DEVU-1",
            modified_date=1,
            expires_date=9,
            revoked_date=None,
        )
        return lambda tx: tokens.insert(tx, row, "h")

    store.write(insert(1))
    assert _refused(store, insert(2)) == ("tokens", ("hash",))
    assert store.read(lambda tx: tokens.find(tx, "other")) is None
    found = store.read(lambda tx: tokens.find(tx, "h"))
    assert found == (org, 1, "", 9, None, "DEVU-1", "active", "admin")
    row = store.read(lambda tx: users.get(tx, org, "DEVU-1"))
    assert row is not None
    store.write(lambda tx: users.update(tx, row._replace(state="deactivated", role="viewer")))
    assert store.write(lambda tx: tokens.revoke(tx, org, 1, by="SYSU-1", now=5))
    assert not store.write(lambda tx: tokens.revoke(tx, org, 1, by="SYSU-1", now=6))
    assert store.read(lambda tx: tokens.find(tx, "h")) == (
        org,
        1,
        "",
        9,
        5,
        "DEVU-1",
        "deactivated",
        "viewer",
    )


def test_an_idempotency_key_is_kept_once_until_its_life_is_over(store: Engine) -> None:
    org = store.new_org()
    key = (org, "DEVU-1", "engagements.create", "k")
    store.write(lambda tx: idempotency.keep(tx, [(*key, "hash", "answer")], now=100, since=0))
    again = [(*key, "hash", "another")]
    _, columns = _refused(store, lambda tx: idempotency.keep(tx, again, now=150, since=0))
    assert columns == ("user_id", "method", "key")
    assert store.read(lambda tx: idempotency.find(tx, [key], since=50)) == {key: ("hash", "answer")}
    assert store.read(lambda tx: idempotency.find(tx, [key], since=100)) == {}
    store.write(lambda tx: idempotency.keep(tx, again, now=200, since=100))
    assert store.read(lambda tx: idempotency.find(tx, [key], since=100)) == {
        key: ("hash", "another")
    }
    assert store.write(lambda tx: idempotency.forget(tx, since=200, most=10)) == 1


def test_another_users_or_methods_key_is_another_key(store: Engine) -> None:
    org = store.new_org()
    keys = [
        (org, "DEVU-1", "engagements.create", "k"),
        (org, "DEVU-2", "engagements.create", "k"),
        (org, "DEVU-1", "engagements.update", "k"),
        (store.new_org(), "DEVU-1", "engagements.create", "k"),
        (org, "DEVU-1", "engagements.create", "K"),
    ]
    rows = [(*key, "hash", str(n)) for n, key in enumerate(keys)]
    store.write(lambda tx: idempotency.keep(tx, rows, now=100, since=0))
    found = store.read(lambda tx: idempotency.find(tx, keys, since=0))
    assert [found[key][1] for key in keys] == ["0", "1", "2", "3", "4"]


def test_references_are_resolved_in_one_go_and_another_orgs_are_not(
    store: Engine,
) -> None:
    org, other = store.new_org(), store.new_org()

    async def fill(tx: Tx) -> None:
        await users.insert(tx, _user(org, "DEVU-1"))
        await users.insert(tx, _user(org, "REVU-1", state="deleted"))
        await accounts.insert(
            tx, accounts.AccountRow(org, 1, "Acme", None, "DEVU-1", 1, "DEVU-1", 1, "{}")
        )
        await rev_orgs.insert(tx, _rev_org(org, 1, None))
        await tx.run(
            """INSERT INTO tags (org, number, name, allowed_values, created_by, created_date, modified_by, modified_date,
               document) VALUES (:org, 1, 'topic', '["a","b"]', 'DEVU-1', 1, 'DEVU-1', 1, '{}')""",
            org=org,
        )

    store.write(fill)
    names = ["DEVU-1", "REVU-1", "ACC-1", "ACC-2", "REV-1", "TAG-1", "OPP-1", "ARTIFACT-1"]
    wanted = {(one, name) for one in (org, other) for name in names}
    found = store.read(lambda tx: references.resolve(tx, wanted))
    assert set(found) == {(org, name) for name in ("DEVU-1", "ACC-1", "REV-1", "TAG-1")}
    assert found[org, "TAG-1"].allowed_values == ["a", "b"]
    assert found[org, "ACC-1"].allowed_values is None
