"""What takes its time, or never ends, holds up nothing else."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from server_stub import AuthApp, Database, MagicLinks
from server_stub.pools import Busy, Pool
from tests.support import PATIENCE

ROOT = Path(__file__).parents[2]
SESSION_COOKIE = "next-auth.session-token"
MANY = 12  # more than there are threads of any kind


@pytest.fixture
def silent_mail_server() -> Iterator[str]:
    """The URL of one that takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=MANY) as listener:
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a callback waits for that is stuck, until the test is over."""
    ended = threading.Event()
    yield ended
    ended.set()


def post_many(client: Any, path: str, fields: Callable[[int], dict[str, str]]) -> list[Any]:
    """Requests that are not waited for."""
    token = client.csrf()

    async def post_all() -> list[Any]:
        return [
            asyncio.create_task(client.http.post(path, data={"csrfToken": token, **fields(number)}))
            for number in range(MANY)
        ]

    tasks = client.run(post_all())
    assert isinstance(tasks, list)
    return tasks


def end(client: Any, tasks: list[Any]) -> None:
    async def cancel() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    client.run(cancel())


def mounted(connect: Callable[..., Any], **options: Any) -> Any:
    app = Starlette()
    app.mount("/api/auth", AuthApp(**options))
    return connect(app)


@pytest.mark.parametrize("session", ["jwt", "database"])
def test_a_silent_mail_server_holds_up_nothing_else(
    connect: Callable[..., Any], silent_mail_server: str, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server_stub.emails.TIMEOUT", 10 * PATIENCE)
    with closing(Database()) as database:
        client = mounted(connect, session=session, database=database, magic_links=MagicLinks(silent_mail_server))
        asked = post_many(client, "/api/auth/signin/email", lambda number: {"email": f"user{number}@example.com"})
        # Each of these is waited for for as long as `PATIENCE`.
        assert client.get("/api/auth/session", headers={"Cookie": f"{SESSION_COOKIE}={'0' * 64}"}).json() == {}
        assert client.sign_in().status_code == 200
        end(client, asked)


def test_passwords_that_are_never_checked_hold_up_nothing_else(
    connect: Callable[..., Any], stuck: threading.Event
) -> None:
    links = MagicLinks()
    client = mounted(
        connect, session="database", magic_links=links, authorize=lambda credentials: stuck.wait() and None
    )
    asked = post_many(client, "/api/auth/callback/credentials", lambda number: {"username": f"user{number}"})
    assert client.submit("/api/auth/signin/email", email="bob@example.com").status_code == 200
    assert client.get(links.inbox[0].link).status_code == 302
    assert client.session()["user"] == {"email": "bob@example.com"}
    end(client, asked)


def test_a_slow_sign_in_callback_holds_up_nothing_else(connect: Callable[..., Any], stuck: threading.Event) -> None:
    client = mounted(connect, sign_in_callback=lambda user, provider: stuck.wait())
    asked = post_many(
        client, "/api/auth/callback/credentials", lambda number: {"username": "ada", "password": "lovelace"}
    )
    assert client.session() == {}
    assert client.sign_in(password="wrong").status_code in (401, 429)
    end(client, asked)


def test_a_database_that_is_stuck_holds_up_no_session_in_a_cookie(
    connect: Callable[..., Any], stuck: threading.Event
) -> None:
    with closing(Database()) as database:
        client = mounted(connect, database=database, magic_links=MagicLinks())
        client.sign_in()

        async def get_stuck() -> Any:
            return asyncio.create_task(database.run(lambda adapter: stuck.wait()))

        task = client.run(get_stuck())
        asked = post_many(client, "/api/auth/signin/email", lambda number: {"email": f"user{number}@example.com"})
        assert client.session()["user"]["name"] == "Ada Lovelace"
        assert client.sign_in("alan", "turing").status_code == 200
        stuck.set()
        end(client, [task, *asked])


def test_it_stops_when_told_although_a_mail_server_is_silent(tmp_path: Path, silent_mail_server: str) -> None:
    command = [sys.executable, "-m", "server_stub", str(tmp_path), "--port", "0", "--smtp", silent_mail_server]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        with httpx.Client(base_url=process.stdout.readline().strip()) as client:
            form = {"csrfToken": client.get("/api/auth/csrf").json()["csrfToken"], "email": "bob@example.com"}
            with pytest.raises(httpx.ReadTimeout):
                client.post("/api/auth/signin/email", data=form, timeout=1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""  # nor what became of the mail


def test_a_pool_takes_no_more_than_it_says(run: Callable[..., Any], stuck: threading.Event) -> None:
    pool = Pool("test", threads=1, most=2)

    async def ask() -> Any:
        first, second = (asyncio.create_task(pool.run(stuck.wait)) for _ in range(2))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await pool.run(stuck.wait)
        second.cancel()
        await asyncio.wait([second])
        third = asyncio.create_task(pool.run(lambda: "third"))
        await asyncio.sleep(0)
        stuck.set()
        return await first, await third

    assert run(ask()) == (True, "third")


def test_a_pool_that_nobody_has_any_more_ends_its_threads(run: Callable[..., Any]) -> None:
    pool = Pool("ends", threads=3)
    for _ in range(5):
        assert run(pool.run(int, "5")) == 5
    with pytest.raises(ValueError, match="invalid"):
        run(pool.run(int, "x"))
    threads = [thread for thread in threading.enumerate() if thread.name == "server_stub ends"]
    assert len(threads) == 3
    del pool
    end = time.monotonic() + PATIENCE
    while any(thread.is_alive() for thread in threads):
        assert time.monotonic() < end
        gc.collect()  # who asked last, in another thread, may have held it until now, and an error its frames
        threads[0].join(0.01)
