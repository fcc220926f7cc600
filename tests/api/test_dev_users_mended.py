"""People can be mended: another email, in again, and never so that nobody is left to do it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.server import Answer, Client

pytestmark = pytest.mark.engines("sqlite", "postgres")


def _run(alice: Client, command: str, **arguments: str) -> dict[str, str]:
    """An operator's command on her org: the user that it answers, or its refusal."""
    answer = alice.server.run(command, org=alice.org, **arguments)
    found: dict[str, str] = answer.get("user", answer)
    return found


def _state(alice: Client, user: str) -> tuple[str, str]:
    found = alice.ok("dev-users.get", {"id": user})["dev_user"]
    return found["role"], found["state"]


# Emails


def test_an_email_that_another_has_is_refused_naming_them(alice: Client, bob: Client) -> None:
    his = alice.ok("dev-users.get", {"id": bob.user})["dev_user"]
    request = {"id": alice.user, "email": his["email"].upper()}
    answer = alice.refused("dev-users.update", request, "value_not_permitted", "email")
    assert answer.body["existing_id"] == his["id"]
    said = _run(alice, "users email", user=alice.user, email=his["email"])
    assert f"is in use by {bob.user}" in said["error"]


def test_an_email_that_was_given_up_is_free_and_the_new_one_finds_its_user(
    alice: Client, bob: Client, charlie: Client
) -> None:
    before = alice.ok("dev-users.get", {"id": bob.user})["dev_user"]
    alice.ok("dev-users.update", {"id": bob.user, "email": "robert@example.com"})
    found = alice.ok("dev-users.list", {"email": ["Robert@Example.com"]})["dev_users"]
    assert [one["display_id"] for one in found] == [bob.user]
    made = alice.ok("dev-users.create", {"email": before["email"], "state": "shadow"})["dev_user"]
    assert made["display_id"] != bob.user
    assert _run(alice, "users role", user="robert@example.com", role="viewer")["role"] == "viewer"
    charlie.ok("dev-users.update", {"id": charlie.user, "email": "robert@example.com"})


def test_of_many_who_want_one_email_at_once_one_gets_it(alice: Client) -> None:
    users = [alice.server.make_user(alice).user for _ in range(8)]
    answers = alice.together(
        [("dev-users.update", {"id": user, "email": "one@example.com"}) for user in users]
    )
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7
    assert len(alice.ok("dev-users.list", {"email": ["one@example.com"]})["dev_users"]) == 1


def test_a_change_of_email_is_told(alice: Client, bob: Client) -> None:
    before = alice.ok("dev-users.get", {"id": bob.user})["dev_user"]["email"]
    end = alice.ok("events.list", {"limit": 1})["end"]
    _run(alice, "users email", user=bob.user, email="robert@example.com")
    (event,) = alice.ok("events.list", {"after": end})["events"]
    assert (event["type"], event["actor"].rpartition(":")[2]) == ("dev_user_updated", "sysu/1")
    told = event["dev_user_updated"]
    assert told["dev_user"]["email"] == "robert@example.com"
    assert told["old_dev_user"]["email"] == before


def test_the_operator_refuses_emails_that_the_api_would(alice: Client) -> None:
    assert "email: 'x'" in _run(alice, "users email", user=alice.user, email="x")["error"]
    alice.ok("service-accounts.create", {"display_name": "Robot"})
    said = _run(alice, "users email", user="SVCACC-1", email="robot@example.com")
    assert said["error"] == "SVCACC-1 is no dev user, and has no email"


def test_the_operator_lets_in_again_whom_they_kept_out(alice: Client, bob: Client) -> None:
    assert _run(alice, "users deactivate", user=bob.user)["state"] == "deactivated"
    assert bob.call("dev-users.self").status == 403
    assert _run(alice, "users activate", user=bob.user)["state"] == "active"
    assert bob.ok("dev-users.self")["dev_user"]["state"] == "active"
    shadow = alice.ok("dev-users.create", {"email": "s@example.com", "state": "shadow"})["dev_user"]
    assert _run(alice, "users activate", user=shadow["display_id"])["state"] == "active"


# The last admin


def test_the_last_active_admin_stays_one_whoever_asks(alice: Client, bob: Client) -> None:
    # These help nobody who has to sign in: one who is out, one who was never let in, a program.
    out = alice.server.make_user(alice, role="admin")
    alice.ok("dev-users.deactivate", {"id": out.user})
    shadow = {"email": "s@example.com", "state": "shadow", "role": "admin"}
    alice.ok("dev-users.create", shadow)
    alice.ok("service-accounts.create", {"display_name": "Robot"})
    assert _run(alice, "users role", user="SVCACC-1", role="admin")["role"] == "admin"
    for role in ("member", "viewer"):
        request = {"id": alice.user, "role": role}
        answer = alice.refused("dev-users.update", request, "value_not_permitted", "role")
        assert f"{alice.user} is the org's last active admin" in answer.body["message"]
    alice.refused("dev-users.deactivate", {"id": alice.user}, "value_not_permitted", "id")
    with alice.unchanged():
        for command, more in (("deactivate", {}), ("role", {"role": "member"})):
            said = _run(alice, f"users {command}", user=alice.user, **more)
            assert f"{alice.user} is the org's last active admin" in said["error"]
    assert _run(alice, "users role", user="SVCACC-1", role="member")["role"] == "member"
    alice.ok("dev-users.update", {"id": alice.user, "role": "admin", "full_name": "Alice"})
    alice.ok("dev-users.update", {"id": bob.user, "role": "viewer"})


def test_an_admin_goes_once_another_is_there(alice: Client, bob: Client, charlie: Client) -> None:
    alice.ok("dev-users.update", {"id": bob.user, "role": "admin"})
    alice.ok("dev-users.update", {"id": alice.user, "role": "member"})
    bob.refused("dev-users.deactivate", {"id": bob.user}, "value_not_permitted", "id")
    bob.ok("dev-users.update", {"id": alice.user, "role": "admin"})
    bob.ok("dev-users.deactivate", {"id": bob.user})
    assert _state(alice, bob.user) == ("admin", "deactivated")
    charlie.refused("dev-users.deactivate", {"id": charlie.user}, "value_not_permitted", "id")


@pytest.mark.parametrize("ways", [("role", "role"), ("state", "state"), ("role", "state")])
def test_of_two_admins_who_demote_each_other_at_once_one_stays(
    alice: Client, ways: tuple[str, str]
) -> None:
    for _ in range(8):
        other = alice.server.make_user(alice, role="admin")
        with ThreadPoolExecutor(2) as pool:
            both = pool.map(_demote, ways, (alice, other), (other, alice))
        # The second is told that they are the last, or is no admin any more when they ask.
        assert min(answer.status for answer in both) == 200
        left = [one for one in (alice, other) if _is_admin(one.call("dev-users.self"))]
        assert len(left) == 1
        alice = left[0]


def test_of_many_operators_who_keep_everybody_out_at_once_one_admin_stays(alice: Client) -> None:
    admins = [alice, *(alice.server.make_user(alice, role="admin") for _ in range(5))]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: _run(alice, "users deactivate", user=one.user), admins))
    assert ["error" in answer for answer in answers].count(True) == 1
    assert [_is_admin(one.call("dev-users.self")) for one in admins].count(True) == 1


def _demote(way: str, who: Client, whom: Client) -> Answer:
    if way == "state":
        return who.call("dev-users.deactivate", {"id": whom.user})
    return who.call("dev-users.update", {"id": whom.user, "role": "member"})


def _is_admin(answer: Answer) -> bool:
    return answer.status == 200 and answer.body["dev_user"]["role"] == "admin"
