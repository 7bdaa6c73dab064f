"""Conditions on a session, as attributes have them."""

from nextauth_client.conditions import Condition

from tests.unit.portable.helpers import raised

SESSION = {
    "user": {
        "role": "admin",
        "roles": ["editor", 5, True],
        "verified": True,
        "age": 5,
        "none": None,
        "list": [],
        "a=": 1,
    },
    "level": "high",
    "admin": True,
}


def test_conditions_that_hold():
    for word in (
        "user.role=admin",
        "level=high",
        "admin=true",
        "user.age=5",
        "user.verified",
        "user.verified=true",
        "user.roles",
        "user.roles~=editor",
        "user.roles~=5",
        "user.roles~=true",
        "!user.role=editor",
        "!user.roles~=admin",
        "!user.none",
        "!user.list",
        "!user.nothing",
        "!nobody.nothing=1",
    ):
        assert Condition(word).holds(SESSION), word


def test_conditions_that_do_not_hold():
    for word in (
        "user.role=Admin",
        "user.role=admi",
        "user.role~=admin",
        "user.role~=adm",
        "user.roles=editor",
        "user.roles~=edit",
        "user.none=None",
        "user.none=null",
        "user.nothing",
        "user.verified=True",
        "user=admin",
        "user.role.length=5",
        "!user.role=admin",
        "!user.verified",
    ):
        assert not Condition(word).holds(SESSION), word


def test_none_holds_where_nobody_is_signed_in():
    for word in ("user.role=admin", "!user.role=admin", "user.verified", "!user.verified"):
        assert not Condition(word).holds(None)


def test_what_is_no_condition():
    for word in (
        "",
        "!",
        "admin",
        "!admin",
        "=",
        "=x",
        "user.",
        ".role=x",
        "user..role=x",
        "user.role=",
        "user.role~=",
        "!=x",
        "user.role~",
        "~=x",
        "user~.role=x",
        "!!user.role",
        "user.role!=admin",
    ):
        raised(ValueError, Condition, word)


def test_a_value_may_have_any_sign():
    assert Condition("user.role=a=b~c!").holds({"user": {"role": "a=b~c!"}})
