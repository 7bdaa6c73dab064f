"""Users, accounts and sessions in a database: SQLite in memory, in a file, and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from starlette.applications import Starlette

from server_stub import AuthApp, Database, DevIdentityProvider, MagicLinks, User, create_app
from server_stub.accounts import AccountNotLinked, Accounts
from server_stub.cli import main
from server_stub.database import Account, Adapter
from server_stub.users import DEMO_USERS
from tests.stub.providers import sign_in
from tests.support import PATIENCE

ORIGIN = "http://127.0.0.1:4400"
SESSION_COOKIE = "next-auth.session-token"

Work = Callable[[Accounts], Any]


@pytest.fixture(params=["memory", "file", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        engine.dispose()
    else:
        url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/stub.db"
    with closing(Database(url)) as database:
        yield database


class Site:
    """The endpoints with e-mail and the development identity provider, over one database."""

    def __init__(self, connect: Callable[..., Any], database: Database, **options: Any) -> None:
        self.connect = connect
        self.links = MagicLinks()
        idp = DevIdentityProvider(DEMO_USERS)
        self.auth = AuthApp(
            database=database,
            magic_links=self.links,
            providers=[idp.provider],
            **{"session": "database", "session_callback": with_id, **options},
        )
        self.app = Starlette()
        self.app.mount("/dev/idp", idp)
        self.app.mount("/api/auth", self.auth)

    def browser(self) -> Any:
        return self.connect(self.app)

    def sign_in_by_mail(self, client: Any, address: str) -> Any:
        client.submit("/api/auth/signin/email", email=address)
        return client.get(self.links.inbox[0].link)


def with_id(session: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
    return {**session, "id": claims["sub"]}


@pytest.fixture
def site(connect: Callable[..., Any], database: Database) -> Site:
    return Site(connect, database)


def rows(database: Database, table: str) -> int:
    return int(
        database.transact(
            lambda adapter: adapter._connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one()
        )
    )


# Sessions


def test_a_session_is_a_row_and_signing_out_deletes_it(site: Site, database: Database) -> None:
    client = site.browser()
    site.sign_in_by_mail(client, "bob@example.com")
    assert client.session()["user"] == {"email": "bob@example.com"}
    assert (rows(database, "sessions"), rows(database, "users")) == (1, 1)
    stolen = client.cookies[SESSION_COOKIE]
    client.submit("/api/auth/signout")
    assert rows(database, "sessions") == 0
    answer = client.get("/api/auth/session", headers={"Cookie": f"{SESSION_COOKIE}={stolen}"})
    assert answer.json() == {}
    assert "Max-Age=0" in answer.headers.get_list("set-cookie")[-1]


def test_a_link_of_ones_own_goes_on_with_the_session(site: Site, database: Database) -> None:
    client = site.browser()
    site.sign_in_by_mail(client, "bob@example.com")
    token = client.cookies[SESSION_COOKIE]
    site.sign_in_by_mail(client, "bob@example.com")
    assert (rows(database, "sessions"), client.cookies[SESSION_COOKIE]) == (1, token)


def test_a_session_of_a_provider_is_in_the_database_too(site: Site, database: Database) -> None:
    client = site.browser()
    sign_in(client, user="ada")
    assert client.session()["user"]["name"] == "Ada Lovelace"
    assert [rows(database, table) for table in ("users", "accounts", "sessions")] == [1, 1, 1]


@pytest.mark.parametrize("age", [0, 3600, 86_300])
def test_a_session_keeps_its_end_for_a_day(site: Site, database: Database, age: float) -> None:
    client = site.browser()
    site.sign_in_by_mail(client, "bob@example.com")
    set_age(database, client, age)
    first, second = client.session()["expires"], client.session()["expires"]
    assert first == second


def test_a_session_that_is_a_day_old_gets_a_new_end(site: Site, database: Database) -> None:
    client = site.browser()
    site.sign_in_by_mail(client, "bob@example.com")
    set_age(database, client, 86_500)
    first, second = client.session()["expires"], client.session()["expires"]
    # As in v4, the answer that renews it still tells the old end.
    assert datetime.fromisoformat(second[:-1]) - datetime.fromisoformat(first[:-1]) > timedelta(seconds=86_400)


def set_age(database: Database, client: Any, age: float) -> None:
    expires = datetime.now(timezone.utc) + timedelta(days=30) - timedelta(seconds=age)
    database.transact(lambda adapter: adapter.update_session(client.cookies[SESSION_COOKIE], expires))


def test_a_session_that_is_over_is_deleted(site: Site, database: Database) -> None:
    client = site.browser()
    site.sign_in_by_mail(client, "bob@example.com")
    set_age(database, client, 31 * 86_400)
    assert client.session() == {}
    assert rows(database, "sessions") == 0


@pytest.mark.parametrize("token", ["", "x", "a" * 36, "'; DROP TABLE sessions; --", "%00", "%ED%A0%80", "0" * 5000])
def test_a_strange_session_token_is_nobody(site: Site, token: str) -> None:
    client = site.browser()
    assert client.get("/api/auth/session", headers={"Cookie": f"{SESSION_COOKIE}={token}"}).json() == {}
    csrf = client.csrf()
    cookie = f"next-auth.csrf-token={client.cookies['next-auth.csrf-token']}; {SESSION_COOKIE}={token}"
    answer = client.post("/api/auth/signout", json={"csrfToken": csrf, "json": "true"}, headers={"Cookie": cookie})
    assert answer.json() == {"url": ORIGIN}


def test_sessions_are_revoked_by_the_development_controls(
    connect: Callable[..., Any], database: Database, tmp_path: Path
) -> None:
    app = create_app(tmp_path, database=database, session="database", dev_idp=True, dev_controls=True)
    client = connect(app)
    sign_in(client, user="ada")
    client.post("/dev/user", json={"name": "Countess"})
    assert client.session()["user"]["name"] == "Countess"
    client.post("/dev/revoke", json={})
    assert client.session() == {}


@pytest.mark.parametrize(
    ("dialect", "status", "url"),
    [("v3", 500, f"{ORIGIN}/api/auth/error?error=Configuration"), ("v4", 200, ORIGIN), ("v5", 200, ORIGIN)],
)
def test_a_password_signs_nobody_in_as_there(connect: Callable[..., Any], dialect: str, status: int, url: str) -> None:
    client = Site(connect, Database(), dialect=dialect).browser()
    client.http.headers["X-Auth-Return-Redirect"] = "1"
    answer = client.sign_in()
    assert (answer.status_code, answer.json()["url"]) == (status, url)
    assert not client.session()


def test_sessions_survive_a_restart_in_a_file(connect: Callable[..., Any], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/stub.db"
    with closing(Database(url)) as database:
        client = Site(connect, database).browser()
        sign_in(client, email="bob@example.com", name="Bob")
        cookie = f"{SESSION_COOKIE}={client.cookies[SESSION_COOKIE]}"
    with closing(Database(url)) as database:
        client = Site(connect, database).browser()
        assert client.get("/api/auth/session", headers={"Cookie": cookie}).json()["user"]["name"] == "Bob"
        sign_in(client, email="bob@example.com")
        assert rows(database, "users") == 1


# Who is who: the rules of v4

ADA = DEMO_USERS["ada"]
AT_X = Account("x", "7", {"access_token": "secret", "unknown": "dropped"})


def profile(email: str = "bob@example.com") -> User:
    return User("7", "Bob", email, "")


def make_user(accounts: Accounts, email: str = "bob@example.com", *accounts_of: Account) -> User:
    user = accounts.adapter.create_user(User(f"id of {email}", "", email, ""))
    for account in accounts_of:
        accounts.adapter.link_account(account, user)
    return user


OTHER = "other@example.com"

# Before, who is signed in, the account's address, whom one is then: an address, "new" or "refused".
RULES: list[tuple[str, dict[str, list[Account]], str | None, str, str]] = [
    ("nobody there", {}, None, "bob@example.com", "new"),
    ("the account is known", {"bob@example.com": [AT_X]}, None, "bob@example.com", "bob@example.com"),
    ("it is, and the address has changed", {"bob@example.com": [AT_X]}, None, OTHER, "bob@example.com"),
    ("it is, and its user is signed in", {OTHER: [AT_X]}, OTHER, "bob@example.com", OTHER),
    ("it is another user's", {OTHER: [AT_X], "eve@example.com": []}, "eve@example.com", OTHER, "refused"),
    ("the address signed in otherwise", {"bob@example.com": []}, None, "bob@example.com", "refused"),
    ("it is linked while signed in", {OTHER: []}, OTHER, "bob@example.com", OTHER),
    ("… even with an address of a third", {OTHER: [], "bob@example.com": []}, OTHER, "bob@example.com", OTHER),
    ("there is no address", {OTHER: []}, None, "", "new"),
    ("a configured user has the address", {}, None, "ada@example.com", "refused"),
]


@pytest.mark.parametrize(
    ("before", "signed_in", "address", "outcome"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES]
)
def test_who_somebody_is_who_comes_from_a_provider(
    database: Database, before: dict[str, list[Account]], signed_in: str | None, address: str, outcome: str
) -> None:
    def sign_in(adapter: Adapter) -> str:
        accounts = Accounts(adapter, [ADA])
        users = {email: make_user(accounts, email, *linked) for email, linked in before.items()}
        try:
            user = accounts.sign_in_by_provider(AT_X, profile(address), users[signed_in] if signed_in else None)
        except AccountNotLinked:
            return "refused"
        assert accounts.with_account(AT_X) == user
        return user.email if user in users.values() else "new"

    assert database.transact(sign_in) == outcome


def test_who_somebody_is_who_follows_a_link(database: Database) -> None:
    def sign_in(adapter: Adapter) -> None:
        accounts = Accounts(adapter, [ADA])
        bob = make_user(accounts, "bob@example.com", AT_X)
        # A link proves the address: whoever signed in at a provider with it is that user.
        assert accounts.sign_in_by_email("bob@example.com").id == bob.id
        new = accounts.sign_in_by_email("new@example.com")
        assert accounts.sign_in_by_email("new@example.com") == new
        assert accounts.sign_in_by_email("ada@example.com") == ADA

    database.transact(sign_in)


def test_who_proves_an_address_is_rid_of_who_only_claimed_it(site: Site, database: Database) -> None:
    eve, bob = site.browser(), site.browser()
    sign_in(eve, user="", email="bob@example.com")  # the provider takes any address
    claimed = eve.session()["id"]
    site.sign_in_by_mail(bob, "bob@example.com")
    assert bob.session()["id"] == claimed
    assert eve.session() == {}
    assert rows(database, "accounts") == 0
    answer = sign_in(eve, user="", email="bob@example.com")
    assert answer.headers["location"].endswith("error=OAuthAccountNotLinked")
    # From now on it is proven, and what Bob links stays.
    sign_in(bob, user="", email="bob@example.com")
    again = site.browser()
    site.sign_in_by_mail(again, "bob@example.com")
    assert rows(database, "accounts") == 1
    assert bob.session()["id"] == again.session()["id"] == claimed


def test_who_proves_their_own_address_keeps_what_is_linked(site: Site, database: Database) -> None:
    bob = site.browser()
    sign_in(bob, user="", email="bob@example.com")
    site.sign_in_by_mail(bob, "bob@example.com")
    assert rows(database, "accounts") == 1
    assert bob.session()["user"]["email"] == "bob@example.com"


def test_the_address_of_a_configured_user_needs_no_proof(site: Site, database: Database) -> None:
    ada = site.browser()
    sign_in(ada, user="ada")
    site.sign_in_by_mail(site.browser(), "ada@example.com")
    assert rows(database, "accounts") == 1
    assert ada.session()["user"]["name"] == "Ada Lovelace"


def test_a_configured_user_keeps_its_row_when_the_file_changes(database: Database) -> None:
    def change(adapter: Adapter) -> None:
        bob = make_user(Accounts(adapter, []), "bob@example.com")
        configured = Accounts(adapter, [User("id of bob@example.com", "Robert", "Bob@example.com", "hash", "/b.png")])
        now = configured.with_email("bob@example.com")
        assert now is not None
        assert (now.id, now.name, now.image) == (bob.id, "Robert", "/b.png")
        # An id that somebody else has by now.
        other = Accounts(adapter, [User(bob.id, "Carl", "carl@example.com", "hash")]).with_email("carl@example.com")
        assert other is not None
        assert (other.name, other.id == bob.id) == ("Carl", False)

    database.transact(change)


@pytest.mark.parametrize("session", ["jwt", "database"])
def test_an_account_is_linked_by_signing_in_there_while_signed_in(
    connect: Callable[..., Any], database: Database, session: str
) -> None:
    site = Site(connect, database, session=session)
    client = site.browser()
    site.sign_in_by_mail(client, "bob@example.com")
    before = client.session()["id"]
    assert sign_in(client, email="robert@elsewhere.example").headers["location"] == f"{ORIGIN}/after"
    assert client.session()["id"] == before
    other = site.browser()
    sign_in(other, email="robert@elsewhere.example")
    assert other.session()["id"] == before
    assert other.session()["user"]["email"] == "bob@example.com"


@pytest.mark.parametrize(
    ("dialect", "page"),
    [("v3", "error"), ("v4", "error"), ("v5", "signin")],
)
@pytest.mark.parametrize("session", ["jwt", "database"])
def test_an_address_that_signed_in_otherwise_is_refused(
    connect: Callable[..., Any], dialect: str, page: str, session: str
) -> None:
    site = Site(connect, Database(), session=session, dialect=dialect)
    client = site.browser()
    site.sign_in_by_mail(client, "bob@example.com")
    client.cookies.clear()
    answer = sign_in(client, email="bob@example.com")
    assert answer.headers["location"] == f"{ORIGIN}/api/auth/{page}?error=OAuthAccountNotLinked"
    # The cookies of the flow go, as recorded, but for v5.
    gone = [header for header in answer.headers.get_list("set-cookie") if "Max-Age=0" in header]
    assert len(gone) == {"v3": 1, "v4": 3, "v5": 0}[dialect]
    assert not client.session()


def test_another_users_account_is_refused_while_signed_in(site: Site) -> None:
    sign_in(site.browser(), email="eve@example.com")
    client = site.browser()
    sign_in(client, user="ada")
    answer = sign_in(client, email="eve@example.com")
    assert answer.headers["location"].endswith("error=OAuthAccountNotLinked")
    assert client.session()["user"]["name"] == "Ada Lovelace"


def test_two_first_sign_ins_at_once_make_one_user(database: Database) -> None:
    together = threading.Barrier(4)

    def sign_in(_: int) -> str:
        together.wait(PATIENCE)
        return database.transact(lambda adapter: Accounts(adapter, []).sign_in_by_email("bob@example.com")).id

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(sign_in, range(4)))
    assert len(ids) == 1
    assert rows(database, "users") == 1


def test_of_what_a_provider_gives_only_what_has_a_column_is_kept(database: Database) -> None:
    def link(adapter: Adapter) -> Any:
        make_user(Accounts(adapter, []), "bob@example.com", AT_X)
        return adapter._connection.execute(text("SELECT * FROM accounts")).mappings().one()

    row = database.transact(link)
    assert (row["access_token"], row["provider"], row["providerAccountId"], row["type"]) == (
        "secret",
        "x",
        "7",
        "oauth",
    )


def test_links_that_nobody_used_do_not_pile_up(database: Database) -> None:
    past = datetime.now(timezone.utc) - timedelta(seconds=1)
    for number in range(3):
        database.transact(lambda adapter, token=str(number): adapter.create_verification_token("a@b.c", token, past))
    assert rows(database, "verification_tokens") == 1


def test_a_link_is_not_stored_as_it_is(site: Site, database: Database) -> None:
    client = site.browser()
    client.submit("/api/auth/signin/email", email="bob@example.com")
    token = site.links.inbox[0].link.partition("token=")[2].partition("&")[0]
    stored = database.transact(
        lambda a: a._connection.execute(text("SELECT token FROM verification_tokens")).scalar_one()
    )
    assert len(token) == 64
    assert stored != token


# When it cannot work


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("stub.db", "write sqlite:///stub.db"),
        ("nosuch://x", "write sqlite:///stub.db"),
        ("postgresql://stub@host:hunter2/x", "its port is no number"),
        ("sqlite:////no/such/folder/stub.db", "unable to open"),
        ("postgresql://stub@127.0.0.1:1/x", "onnection"),
    ],
)
def test_a_database_that_cannot_be_used_is_explained(
    tmp_path: Path, url: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--database-url", url])
    said = capsys.readouterr().err
    assert reason in said
    assert "hunter2" not in said


def test_a_database_that_breaks_down_is_no_traceback(
    connect: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/stub.db")) as database:
        client = Site(connect, database).browser()
        sign_in(client, user="ada")
        database.transact(lambda adapter: adapter._connection.execute(text("DROP TABLE sessions")))
        answer = client.get("/api/auth/session")
    assert (answer.status_code, "set-cookie" in answer.headers) == (500, False)
    assert answer.text == "There is a problem with the server configuration."
    assert "no such table" in caplog.text
    assert client.cookies[SESSION_COOKIE] not in caplog.text


def test_sessions_are_kept_in_one_of_two_places() -> None:
    with pytest.raises(ValueError, match="jwt or database"):
        AuthApp(session="file")


def test_a_database_is_closed_when_the_transaction_under_way_is_over() -> None:
    database = Database()
    entered, may_go_on = threading.Event(), threading.Event()

    def look(adapter: Adapter) -> User | None:
        entered.set()
        may_go_on.wait(PATIENCE)
        return adapter.get_user_by_email("ada@example.com")

    with ThreadPoolExecutor() as threads:
        found = threads.submit(database.transact, look)
        assert entered.wait(PATIENCE)
        closed = threads.submit(database.close)
        assert not wait([closed], timeout=0.2).done
        may_go_on.set()
        assert found.result(PATIENCE) is None
        closed.result(PATIENCE)
