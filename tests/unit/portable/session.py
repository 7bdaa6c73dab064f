"""What the values of `session` promise, in every interpreter."""

import json

from nextauth_client.errors import BackendUnreachable
from nextauth_client.records import MISSING, look, presence
from nextauth_client.session import AuthProvider, Session, SessionState, SignInResult, SignOutResult, User

from .helpers import differ, raised


def data():
    return {
        "user": {"name": "Ada", "email": "ada@example.org", "roles": ["admin", {"of": "x"}]},
        "expires": "2026-12-23T13:41:00.000Z",
        "accessToken": "abc",
        "settings": {"theme": {"colour": "red"}, "none": None},
        "get": "a key named like a method",
        "empty": {},
    }


class Noted:
    """A session whose every read is written down as (path, whole)."""

    def __init__(self, session_type=Session):
        self.reads = []
        self.session = session_type(data(), (), self.reads.append)


def test_a_session_reads_as_attributes_and_as_items_at_any_depth():
    session = Session(data())
    assert session.user.name == "Ada"
    assert session["user"]["name"] == "Ada"
    assert session.accessToken == session["accessToken"] == "abc"
    assert session.settings.theme.colour == session["settings"]["theme"]["colour"] == "red"
    assert session.user.roles[1].of == "x"


def test_get_gives_a_value_or_the_default():
    session = Session(data())
    assert session.user.get("name") == "Ada"
    assert session.user.get("image") is None
    assert session.user.get("image", "none.png") == "none.png"
    assert session.settings.get("none", "default") is None


def test_what_a_user_may_lack_reads_none():
    user = Session({"user": {}}).user
    assert isinstance(user, User)
    assert (user.name, user.email, user.image) == (None, None, None)
    assert (user["name"], user["email"], user["image"]) == (None, None, None)
    assert "name" not in user
    assert user.to_dict() == {}


def test_only_a_user_may_lack_them():
    session = Session(data())
    raised(AttributeError, lambda: session.name)
    raised(AttributeError, lambda: session.settings.email)
    raised(KeyError, lambda: session["image"])


def test_another_missing_name_raises_and_says_what_there_is():
    session = Session(data())
    message = str(raised(AttributeError, lambda: session.user.role))
    assert "User" in message and "'role'" in message and "email, name, roles" in message
    assert "role" in str(raised(KeyError, lambda: session.user["role"]))
    assert not hasattr(session.user, "role")
    assert hasattr(session.user, "email")
    assert getattr(session.user, "role", "guest") == "guest"


def test_the_message_about_a_missing_name_holds_no_value():
    assert "abc" not in str(raised(AttributeError, lambda: Session(data()).acessToken))


def test_a_key_named_like_a_method_needs_brackets():
    session = Session(data())
    assert session["get"] == session.get("get") == "a key named like a method"


def test_a_key_named_like_an_inner_name_needs_brackets():
    assert Session({"_data": 1})["_data"] == 1
    assert Session({"_id": 1})._id == 1


def set_attribute(record):
    record.name = "x"


def set_item(record):
    record["name"] = "x"


def delete_attribute(record):
    del record.name


def delete_item(record):
    del record["name"]


def test_a_session_is_read_only_at_any_depth():
    session = Session(data())
    for record in (session, session.user, session.settings.theme, session.user.roles[1]):
        assert "read-only" in str(raised(AttributeError, set_attribute, record))
        assert "read-only" in str(raised(AttributeError, delete_attribute, record))
        raised(TypeError, set_item, record)
        raised(TypeError, delete_item, record)
    assert session == data()


def test_copies_can_be_changed_and_the_session_stays():
    session = Session(data())
    copied = session.to_dict()
    copied["user"]["name"] = "Eve"
    copied["user"]["roles"][1]["of"] = "y"
    copied["settings"]["theme"].clear()
    session.user.roles.append("x")
    session.keys().clear()
    assert session == data()


def test_a_copy_is_plain_data():
    copied = Session(data()).to_dict()
    assert copied == data()
    assert type(copied["user"]) is dict and type(copied["user"]["roles"]) is list
    assert json.loads(json.dumps(copied)) == data()


def test_a_session_is_a_mapping():
    session = Session({"user": {"name": "Ada"}, "a": 1})
    assert sorted(session) == sorted(session.keys()) == ["a", "user"]
    assert sorted(key for key, _ in session.items()) == ["a", "user"]
    assert dict(session.items())["user"].name == "Ada"
    assert [value for value in session.values() if value != 1] == [{"name": "Ada"}]
    assert len(session) == 2
    assert "user" in session and "b" not in session and 1 not in session


def test_a_session_can_be_unpacked():
    def keywords(**given):
        return given

    given = keywords(**Session({"user": {"name": "Ada"}, "a": 1}))
    assert given["a"] == 1 and given["user"].name == "Ada"


def test_a_session_is_true_even_when_it_is_empty():
    assert Session({})
    assert Session(data()).empty


def test_equality_is_by_value():
    assert Session(data()) == Session(data())
    assert Session(data()) == data()
    assert data() == Session(data())
    assert not differ(Session(data()), Session(data()))
    assert Session(data()).user == data()["user"]
    assert Session(data()) != Session({})
    assert Session(data()) != None  # noqa: E711
    assert Session({}) != []
    raised(TypeError, hash, Session({}))


def test_a_session_shows_its_data():
    assert repr(Session({"a": 1})) == "Session({'a': 1})"
    assert repr(Session({"user": {"name": "Ada"}}).user) == "User({'name': 'Ada'})"


def test_a_session_of_ones_own_changes_only_the_type():
    class MySession(Session):
        role: str

    session = MySession({"user": {"name": "Ada"}, "role": "admin"})
    assert isinstance(session, MySession)
    assert session.role == "admin"
    assert isinstance(session.user, User)
    assert session == Session({"user": {"name": "Ada"}, "role": "admin"})
    raised(AttributeError, lambda: MySession({}).role)


def test_reading_a_value_notes_its_path():
    noted = Noted()
    assert noted.session.user.name == "Ada"
    assert noted.reads == [(("user",), False), (("user", "name"), True)]


def test_an_item_and_a_default_note_the_same_path():
    for read in (lambda s: s["accessToken"], lambda s: s.get("accessToken")):
        noted = Noted()
        read(noted.session)
        assert noted.reads == [(("accessToken",), True)]


def test_asking_whether_a_name_is_there_notes_presence_only():
    noted = Noted()
    assert "accessToken" in noted.session
    assert "later" not in noted.session
    assert 5 not in noted.session
    assert noted.reads == [(("accessToken",), False), (("later",), False)]


def test_a_missing_name_is_noted_for_the_day_it_comes():
    noted = Noted()
    assert noted.session.user.image is None
    assert not hasattr(noted.session, "later")
    assert (("user", "image"), True) in noted.reads
    assert (("later",), True) in noted.reads


def test_a_record_alone_notes_presence_only():
    noted = Noted()
    assert noted.session.user and noted.session.settings.theme
    assert [whole for _, whole in noted.reads] == [False] * len(noted.reads)


def test_what_shows_all_of_a_record_notes_all_of_it():
    for look_at in (len, list, repr, lambda u: u.keys(), lambda u: u.to_dict(), lambda u: u == {}):
        noted = Noted()
        look_at(noted.session.user)
        assert noted.reads[0] == (("user",), False)
        assert noted.reads[-1] == (("user",), True)


def test_a_list_is_noted_whole():
    noted = Noted()
    assert noted.session.user.roles[0] == "admin"
    assert noted.reads[-1] == (("user", "roles"), True)


def test_comparing_two_sessions_notes_both():
    one, other = Noted(), Noted()
    assert one.session == other.session
    assert one.reads == other.reads == [((), True)]


def test_a_path_is_looked_up_in_plain_data():
    assert look(data(), ("user", "name")) == "Ada"
    assert look(data(), ()) == data()
    assert look(data(), ("user", "none")) is MISSING
    assert look(data(), ("expires", "none")) is MISSING
    assert look(None, ("user",)) is MISSING


def test_presence_is_all_that_asking_for_a_record_tells():
    assert presence({"a": 1}) == presence({})
    assert presence("one") == presence("other") == presence(False)
    kinds = [presence(value) for value in (MISSING, None, {}, "text")]
    assert len(set(kinds)) == 4


def test_a_state_has_one_of_three_statuses():
    assert SessionState(loading=True).status == "loading"
    assert SessionState().status == "unauthenticated"
    assert SessionState({"user": {}}).status == "authenticated"


def test_a_state_unpacks_as_a_pair():
    session, loading = SessionState({"user": {"name": "Ada"}})
    assert session.user.name == "Ada" and loading is False
    session, loading = SessionState(loading=True)
    assert session is None and loading is True


def test_a_state_is_read_only():
    state = SessionState()

    def set_session():
        state.session = {}

    raised(AttributeError, set_session)


def test_a_misspelt_name_of_a_state_raises_and_says_what_there_is():
    for state in (SessionState(data()), SessionState(data()).view(Session)):
        message = str(raised(AttributeError, lambda state=state: state.sesion))
        names = "error, expires_in, expiring, idle_in, loading, reason, refreshing, session, status"
        assert message == "the SessionState has no 'sesion'; it has: " + names
        assert not hasattr(state, "user") and not hasattr(state, "_nothing")


def test_states_are_equal_by_value():
    error = BackendUnreachable("x")
    state = SessionState(data(), error=error)
    assert state == SessionState(data(), error=BackendUnreachable("x"))
    assert not differ(state, SessionState(data(), error=BackendUnreachable("x")))
    assert state != SessionState(data(), error=BackendUnreachable("y"))
    assert state != SessionState(data())
    assert SessionState() != SessionState(refreshing=True)
    assert SessionState() != SessionState(loading=True)
    assert SessionState() != SessionState(reason="expired")
    assert SessionState(data(), expires_in=5) != SessionState(data(), expires_in=4)
    assert SessionState(data(), expires_in=5) == SessionState(data(), expires_in=5, count=lambda name, follow: 4)
    assert SessionState() != None  # noqa: E711


def test_a_view_notes_what_is_read_of_the_state():
    reads = []
    state = SessionState(data()).view(Session, reads.append)
    assert state.session is not None
    assert reads == [(("session",), False)]
    assert state.session.user.name == "Ada"
    assert reads[1:] == [(("session",), False), (("session", "user"), False), (("session", "user", "name"), True)]
    for name in ("loading", "status", "error", "refreshing", "reason", "expires_in", "expiring", "idle_in"):
        getattr(state, name)
        assert reads[-1] == ((name,), True)


def test_what_a_session_has_left_is_counted_down_for_who_follows_it():
    asked = []

    def count(name, follow):
        asked.append(follow)
        return 41

    state = SessionState(data(), expires_in=-1, count=count)
    assert state.expires_in == 41
    assert state.view(Session).expires_in == 41
    assert asked == [False, False]
    assert state.view(Session, lambda read: None).expires_in == 41
    assert asked == [False, False, True]
    assert SessionState(data(), expires_in=40).expires_in == 40
    assert SessionState(expires_in=None, count=count).expires_in is None


def test_what_shows_or_compares_a_state_notes_what_that_depends_on():
    reads = []
    state = SessionState(data()).view(Session, reads.append)
    assert "Ada" in repr(state)
    assert reads == [(("status",), True), (("session",), True), (("error",), True)]
    del reads[:]
    assert state == SessionState(data())
    names = ("error", "expires_in", "expiring", "idle_in", "loading", "reason", "refreshing", "session", "status")
    expected = [((name,), True) for name in names]
    assert sorted(reads) == expected


def test_the_pair_notes_presence_and_loading():
    reads = []
    session, loading = SessionState(data()).view(Session, reads.append)
    assert session and not loading
    assert reads == [(("session",), False), (("loading",), True)]


def test_a_view_has_sessions_of_ones_own_type():
    class MySession(Session):
        pass

    state = SessionState(data())
    assert type(state.view(MySession).session) is MySession
    assert type(state.session) is Session
    assert state.view(MySession) == state


def test_what_a_reader_saw_is_a_value_or_a_presence():
    state = SessionState(data())
    assert state.at(("session", "user", "name"), True) == "Ada"
    assert state.at(("session",), False) == SessionState({"user": {}}).at(("session",), False)
    assert state.at(("session",), False) != SessionState().at(("session",), False)
    assert SessionState().at(("session", "user", "name"), True) is MISSING


def test_a_sign_in_result_is_true_when_it_is_ok():
    assert SignInResult(url="https://x.example/")
    assert not SignInResult("CredentialsSignin", 401, False)


def test_results_are_equal_by_value():
    assert SignInResult(None, 200, True, "u", None) == SignInResult(None, 200, True, "u", None)
    for other in (
        SignInResult("e", 200, True, "u", None),
        SignInResult(None, 201, True, "u", None),
        SignInResult(None, 200, False, "u", None),
        SignInResult(None, 200, True, "v", None),
        SignInResult(None, 200, True, "u", "c"),
        SignOutResult("u"),
    ):
        assert SignInResult(None, 200, True, "u", None) != other
    assert SignOutResult("u") == SignOutResult("u") != SignOutResult("v")


def test_providers_are_equal_by_value():
    provider = AuthProvider("a", "A", "oauth", "https://x.example/s", "https://x.example/c")
    assert provider == AuthProvider("a", "A", "oauth", "https://x.example/s", "https://x.example/c")
    for other in (
        AuthProvider("b", "A", "oauth", "https://x.example/s", "https://x.example/c"),
        AuthProvider("a", "B", "oauth", "https://x.example/s", "https://x.example/c"),
        AuthProvider("a", "A", "oidc", "https://x.example/s", "https://x.example/c"),
        AuthProvider("a", "A", "oauth", "https://x.example/t", "https://x.example/c"),
        AuthProvider("a", "A", "oauth", "https://x.example/s", "https://x.example/d"),
    ):
        assert provider != other


def test_everything_shows_what_it_is():
    assert repr(SignOutResult("u")) == "SignOutResult(url='u')"
    assert "CredentialsSignin" in repr(SignInResult("CredentialsSignin", 401, False))
    assert "'google'" in repr(AuthProvider("google", "Google", "oidc", "", ""))
    assert "status='loading'" in repr(SessionState(loading=True))
