"""How often passwords may be tried: it slows who guesses, and not whose password it is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette

from server_stub import AuthApp, CredentialsSignin, create_app, limits
from server_stub.limits import RateLimit, TooManyTries, Tries
from tests.stub.strangers import SECRET
from tests.support import PATIENCE

ORIGIN = "http://127.0.0.1:4400"


def test_passwords_that_are_tried_at_once_are_counted_like_those_one_after_the_other(
    client: Any, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []

    def slow(users: Any, name: str, password: str) -> None:
        checked.append(password)
        all_sent.wait(PATIENCE)

    all_sent = threading.Event()
    monkeypatch.setattr("server_stub.auth.authenticate", slow)
    fields = {"csrfToken": client.csrf(), "json": "true", "username": "ada"}

    async def try_many() -> list[int]:
        asked = [
            asyncio.create_task(client.http.post("/api/auth/callback/credentials", data={**fields, "password": str(n)}))
            for n in range(60)
        ]
        # Those that are refused are answered while the others wait for their check.
        _, waiting = await asyncio.wait(asked, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        while len(waiting) > 30:
            _, waiting = await asyncio.wait(waiting, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        all_sent.set()
        return sorted(answer.status_code for answer in await asyncio.gather(*asked))

    assert client.run(try_many()) == [401] * 20 + [429] * 40
    assert (len(checked), len(clock.waits)) == (30, 10)


def test_passwords_cannot_be_tried_without_end(
    connect: Callable[..., Any], tmp_path: Path, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(tmp_path)
    client = connect(app)
    with monkeypatch.context() as patch:
        patch.setattr("server_stub.auth.authenticate", lambda users, name, password: None)
        for _ in range(20):
            assert client.sign_in(password="wrong").status_code == 401
        late = client.sign_in(password="wrong")
        url = f"{ORIGIN}/api/auth/signin?error=TooManyRequests"
        assert (late.status_code, late.json()) == (429, {"url": url})
        assert client.sign_in(password="wrong", json="false").headers["location"] == url
    assert "too many attempts" in client.get(url).text
    assert clock.waits == [1, 2]
    assert client.sign_in("alan", "turing").status_code == 200
    # Signing in often is no attack.
    monkeypatch.setattr("server_stub.auth.authenticate", lambda users, name, password: users[name])
    for _ in range(25):
        assert client.sign_in("alan", "turing").status_code == 200
    assert clock.waits == [1, 2]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time that limits go by. Who waits for a turn does not, but is in `waits`; if `passes`, it passes then."""
    clock = SimpleNamespace(now=1000.0, waits=[], passes=False)
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: clock.now))

    async def sleep(seconds: float) -> None:
        clock.waits.append(seconds)
        clock.now += seconds if clock.passes else 0

    monkeypatch.setattr(limits, "asyncio", SimpleNamespace(sleep=sleep))
    return clock


@pytest.fixture
def at(connect: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """A client at an address, of one server on which the name is the password."""
    app = create_app(tmp_path, secret=SECRET)
    monkeypatch.setattr(
        "server_stub.auth.authenticate", lambda users, name, password: users["ada"] if name == password else None
    )
    return lambda address: connect(app, address=address)


def guess(client: Any, name: str, times: int, password: str = "wrong") -> list[int]:
    return [client.sign_in(name, password).status_code for _ in range(times)]


def test_wrong_passwords_do_not_lock_the_right_one_out(at: Callable[[str], Any], clock: SimpleNamespace) -> None:
    clock.passes = True
    here = at("192.0.2.1")
    assert guess(here, "ada", 25) == [401] * 20 + [429] * 5
    assert guess(here, "ada", 1, "ada") == [200]
    assert here.session()["user"]["name"] == "Ada Lovelace"
    assert clock.waits == [1] * 6


def test_wrong_passwords_for_other_names_do_not_lock_a_name_out(
    at: Callable[[str], Any], clock: SimpleNamespace
) -> None:
    clock.passes = True
    here = at("192.0.2.1")
    assert [here.sign_in(f"user{number}", "wrong").status_code for number in range(101)] == [401] * 100 + [429]
    assert guess(here, "alan", 1, "alan") == [200]
    assert clock.waits == [1, 1]


def test_wrong_passwords_from_many_addresses_do_not_lock_a_name_out(
    at: Callable[[str], Any], clock: SimpleNamespace
) -> None:
    assert [guess(at(f"192.0.2.{number}"), "ada", 20) for number in range(5)] == [[401] * 20] * 5
    assert guess(at("192.0.2.99"), "ada", 1, "ada") == [200]
    assert clock.waits == [1]


def test_a_guesser_has_a_try_a_second(at: Callable[[str], Any], clock: SimpleNamespace) -> None:
    here = at("192.0.2.1")
    assert guess(here, "ada", 40) == [401] * 20 + [429] * 20
    assert clock.waits == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    clock.now += 3
    assert guess(here, "ada", 10) == [429] * 10
    assert clock.waits[10:] == [8, 9, 10]


def test_a_guesser_elsewhere_does_not_slow_the_owner(at: Callable[[str], Any], clock: SimpleNamespace) -> None:
    assert guess(at("192.0.2.1"), "ada", 40) == [401] * 20 + [429] * 20
    clock.waits.clear()
    assert guess(at("192.0.2.2"), "ada", 1, "ada") == [200]
    assert guess(at("192.0.2.1"), "ada", 1, "ada") == [429]  # ten others wait before it
    clock.now += 61
    assert guess(at("192.0.2.1"), "ada", 1, "ada") == [200]
    assert clock.waits == []


def test_one_who_tries_many_names_locks_nobody_out_elsewhere(at: Callable[[str], Any], clock: SimpleNamespace) -> None:
    eve = at("192.0.2.1")
    assert [eve.sign_in(f"user{number}", "wrong").status_code for number in range(250)] == [401] * 100 + [429] * 150
    assert guess(at("192.0.2.2"), "user7", 1, "user7") == [200]
    assert guess(at("192.0.2.2"), "new", 1, "new") == [200]


def test_many_names_do_not_reset_the_count_of_one(
    at: Callable[[str], Any], clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_KEYS", 110)
    eve = at("192.0.2.1")
    assert guess(eve, "ada", 21) == [401] * 20 + [429]
    assert [eve.sign_in(f"user{number}", "wrong").status_code for number in range(300)] == [401] * 80 + [429] * 220
    assert guess(eve, "ada", 1) == [429]


def test_many_addresses_are_no_way_around_the_limit(at: Callable[[str], Any], clock: SimpleNamespace) -> None:
    assert guess(at("192.0.2.99"), "ada", 1, "ada") == [200]
    tried = [guess(at(f"192.0.2.{number}"), "ada", 20) for number in range(10)]
    assert tried == [[401] * 20] * 5 + [[429] * 20] * 5
    # A network of IPv6 has one owner, and more addresses than anybody can count.
    assert guess(at("2001:db8::1"), "alan", 21) == [401] * 20 + [429]
    assert guess(at("2001:db8::2"), "alan", 1) == [429]
    assert guess(at("192.0.2.99"), "ada", 1, "ada") == [200]


def test_who_signed_in_at_an_address_before_gets_in_there_always(
    at: Callable[[str], Any], clock: SimpleNamespace
) -> None:
    here = at("192.0.2.1")
    assert guess(here, "ada", 1, "ada") == [200]
    assert guess(here, "ada", 20) == [401] * 20
    # What is too much waits for its turn, and is told no more than that it was too much.
    assert guess(here, "ada", 1, "ada") == [200]
    assert guess(here, "ada", 2) == [429, 429]
    assert guess(here, "ada", 1, "ada") == [200]
    assert clock.waits == [1, 2, 3, 4]
    # Names that nobody had here do not count with it.
    assert [here.sign_in(f"user{number}", "wrong").status_code for number in range(101)] == [401] * 100 + [429]
    assert guess(here, "ada", 1, "ada") == [200]


def test_who_waits_is_one_of_ten_at_most(at: Callable[[str], Any], clock: SimpleNamespace) -> None:
    here = at("192.0.2.1")
    guess(here, "ada", 1, "ada")
    guess(here, "ada", 40)
    assert clock.waits == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert guess(here, "ada", 1, "ada") == [429]
    clock.now += 1
    assert guess(here, "ada", 1, "ada") == [200]


def test_a_real_turn_takes_a_second(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAUSE", 0.1)
    tries = Tries(of_pair=1, of_name=1, of_address=1, seconds=60, waits=True)

    async def ask() -> Any:
        order = []

        async def one(number: int) -> None:
            order.append((number, await tries.begin("ada", "192.0.2.1")))

        await asyncio.gather(*(one(number) for number in range(4)))
        return order

    assert run(ask()) == [(0, True), (1, False), (2, False), (3, False)]


def test_a_proxy_that_is_trusted_says_who_it_was(
    connect: Callable[..., Any], tmp_path: Path, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server_stub.auth.authenticate", lambda users, name, password: None)
    client = connect(create_app(tmp_path, secret=SECRET, trust_proxy=True))

    def guess_as(forwarded: str) -> int:
        fields = {"csrfToken": client.csrf(), "json": "true", "username": "ada", "password": "wrong"}
        headers = {"X-Forwarded-For": forwarded}
        return int(client.post("/api/auth/callback/credentials", data=fields, headers=headers).status_code)

    assert [guess_as(f"10.0.0.{number}, 192.0.2.1") for number in range(21)] == [401] * 20 + [429]
    assert guess_as("192.0.2.1, 192.0.2.2") == 401


def test_a_form_without_a_name_is_counted_by_its_address(connect: Callable[..., Any], clock: SimpleNamespace) -> None:
    def authorize(credentials: Mapping[str, Any]) -> None:
        raise CredentialsSignin("no")

    app = Starlette()
    app.mount("/api/auth", AuthApp(authorize=authorize, secret=SECRET))

    def guess_at(address: str, times: int) -> list[int]:
        client = connect(app, address=address)
        return [client.submit("/api/auth/callback/credentials", pin="1").status_code for _ in range(times)]

    for number in range(6):
        assert guess_at(f"192.0.2.{number}", 21) == [401] * 20 + [429]
    assert guess_at("192.0.2.7", 1) == [401]


def test_what_is_no_name_takes_no_names_place(
    client: Any, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_KEYS", 1)
    monkeypatch.setattr("server_stub.auth.authenticate", lambda users, name, password: None)
    for _ in range(20):
        client.sign_in(password="wrong")
    fields = {"csrfToken": client.csrf(), "username": ["eve"], "password": "x"}
    assert client.post("/api/auth/callback/credentials", json=fields).status_code == 302
    assert client.sign_in(password="wrong").status_code == 429


def test_a_limit_remembers_no_more_than_it_must(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KEYS", 2)
    limit = RateLimit(1, 60)
    for key in ("a", "b", "c" * 1_000_000):
        limit.count(key)
        limit.count(key)
    assert [limit.has_room(key) for key in ("a", "b", "c" * 1_000_000)] == [True, False, False]
    remembered = [len(key) for key in limit._tried]
    assert remembered == [32, 32]
    monkeypatch.setattr(limits, "PAUSE", 0)
    tries = Tries(of_pair=1, of_name=1, of_address=1, seconds=60, waits=True)
    for number in range(5):
        tries.succeeded(f"user{number}", "192.0.2.1")
        run(tries.begin("eve", f"192.0.2.{number}"))
    assert (len(tries._known), len(tries._turns)) == (2, 2)


def test_a_good_try_that_waited_takes_no_other_back(run: Callable[..., Any], clock: SimpleNamespace) -> None:
    tries = Tries(of_pair=9, of_name=9, of_address=1, seconds=60, waits=True)
    assert run(tries.begin("eve", "192.0.2.1"))
    for name in ("ada", "alan"):
        assert not run(tries.begin(name, "192.0.2.1"))
        tries.succeeded(name, "192.0.2.1", counted=False)
    assert not run(tries.begin("eve", "192.0.2.1"))


def test_a_try_that_was_good_does_not_count(run: Callable[..., Any]) -> None:
    tries = Tries(of_pair=1, of_name=1, of_address=1, seconds=60)
    tries.succeeded("never tried", "192.0.2.1")
    for _ in range(3):
        assert run(tries.begin("ada", "192.0.2.1"))
        tries.succeeded("ada", "192.0.2.1")
    assert run(tries.begin("ada", "192.0.2.1"))
    with pytest.raises(TooManyTries):
        run(tries.begin("ada", "192.0.2.1"))


def test_who_tries_names_without_end_fills_no_more_than_twenty_places(run: Callable[..., Any]) -> None:
    """Each wait is one for a check, of which there are not many: nobody elsewhere has to stand behind them."""
    tries = Tries(of_pair=5, of_name=5, of_address=3, seconds=60, waits=True)

    async def spray() -> None:
        for number in range(3):
            assert await tries.begin(f"name {number}", "1.2.3.4")
        waiting = [asyncio.create_task(tries.begin(f"other {number}", "1.2.3.4")) for number in range(50)]
        done, pending = await asyncio.wait(waiting, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        refused = [task for task in done if isinstance(task.exception(), TooManyTries)]
        assert (len(refused), len(pending)) == (30, 20)
        assert await tries.begin("ada", "5.6.7.8")
        assert await asyncio.gather(*pending) == [False] * 20
        assert not tries._waiting

    run(spray())
