"""The development controls that the browser tests use."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from server_stub import create_app, dev_controls
from server_stub.dev_controls import Connection, State
from tests.support import PATIENCE

IMPATIENCE = httpx.Timeout(PATIENCE, read=0.1)
SIGN_IN = {"username": "ada", "password": "lovelace", "json": "true"}


@pytest.fixture
def controlled(connect: Callable[..., Any], tmp_path: Path) -> Any:
    return connect(create_app(tmp_path, dev_controls=True))


@pytest.fixture
def live(live_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live_url, timeout=PATIENCE) as client:
        yield client


def command(client: Any, name: str, /, **fields: Any) -> None:
    response = client.post(f"/dev/{name}", json=fields)
    assert response.json() == {"ok": True}


def wait_for_log(client: httpx.Client, condition: Callable[[Any], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition(log := client.get("/dev/log").json()):
        assert time.monotonic() < deadline, log


def sign_in(client: httpx.Client) -> None:
    token = client.get("/api/auth/csrf").json()["csrfToken"]
    client.post("/api/auth/callback/credentials", data={**SIGN_IN, "csrfToken": token})


def test_there_are_none_unless_asked_for(client: Any) -> None:
    assert client.get("/dev/log").status_code == 404
    assert client.post("/dev/reset").status_code == 405


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "body"),
    [
        ("500-json", 500, "application/json", '{"message"'),
        ("500-html", 500, "text/html; charset=utf-8", "<!DOCTYPE"),
        ("503", 503, "text/plain; charset=utf-8", "Service Unavailable"),
        ("html-200", 200, "text/html; charset=utf-8", "<!DOCTYPE"),
        ("malformed", 200, "application/json", '{"user": {'),
        ("empty", 200, "application/json", ""),
        ("redirect", 302, None, ""),
    ],
)
def test_a_fault_replaces_the_answers_of_one_endpoint(
    controlled: Any, kind: str, status: int, content_type: str | None, body: str
) -> None:
    command(controlled, "fault", path="session", kind=kind, times=2)
    for _ in range(2):
        response = controlled.get("/api/auth/session")
        assert (response.status_code, response.headers.get("content-type")) == (status, content_type)
        assert response.text.startswith(body)
        assert "set-cookie" not in response.headers
        assert controlled.get("/api/auth/csrf").status_code == 200
    assert controlled.session() == {}


def test_a_fault_lasts_until_it_is_taken_back(controlled: Any) -> None:
    command(controlled, "fault", path="session", kind="503", times=None)
    assert [controlled.get("/api/auth/session").status_code for _ in range(3)] == [503, 503, 503]
    command(controlled, "fault", path="session", kind=None)
    assert controlled.session() == {}
    command(controlled, "fault", path="session", kind="503")
    command(controlled, "reset")
    assert controlled.session() == {}


def test_reset_closes_the_connection_without_an_answer(live: httpx.Client) -> None:
    command(live, "fault", path="session", kind="reset", times=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        live.get("/api/auth/session")
    assert live.get("/api/auth/session").json() == {}


def test_hang_never_answers_but_lets_the_server_stop(live: httpx.Client, live_url: str) -> None:
    command(live, "fault", path="session", kind="hang")
    with pytest.raises(httpx.ReadTimeout):
        live.get("/api/auth/session", timeout=IMPATIENCE)

    def ask() -> None:
        with contextlib.suppress(httpx.HTTPError), httpx.Client(base_url=live_url, timeout=PATIENCE) as other:
            other.get("/api/auth/session")

    threading.Thread(target=ask).start()
    wait_for_log(live, lambda log: len(log) >= 2)
    # The fixture fails when the server does not stop with that request in flight.


@pytest.mark.parametrize(("when", "name"), [("before", "Changed"), ("after", "Ada Lovelace")])
def test_an_endpoint_can_be_slow_before_or_after_it_has_read_the_session(
    controlled: Any, monkeypatch: pytest.MonkeyPatch, when: str, name: str
) -> None:
    controlled.sign_in()
    command(controlled, "latency", path="session", seconds=2, when=when)
    paused = []

    async def pause(connection: Connection, seconds: float) -> None:
        """In the meantime the user changes."""
        if seconds:
            paused.append(seconds)
            await controlled.http.post("/dev/user", json={"name": "Changed"})

    monkeypatch.setattr(Connection, "pause", pause)
    assert controlled.session()["user"]["name"] == name
    assert paused == [2]


def test_the_session_length_can_be_changed(controlled: Any) -> None:
    command(controlled, "session-length", seconds=5)
    controlled.sign_in()
    expires = controlled.session()["expires"]
    assert expires < time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 60))
    command(controlled, "reset")
    assert controlled.session()["expires"] > expires


def test_the_first_session_length_comes_back(controlled: Any) -> None:
    command(controlled, "session-length", seconds=5)
    command(controlled, "session-length", seconds=None)
    controlled.sign_in()
    assert controlled.session()["expires"] > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 60))


def test_what_is_in_force_is_told_as_the_commands_that_set_it(controlled: Any) -> None:
    def in_force() -> Any:
        return controlled.get("/dev/state").json()

    assert in_force() == []
    command(controlled, "fault", path="session", kind="503", times=2)
    command(controlled, "latency", path="csrf", seconds=1)
    command(controlled, "session-length", seconds=5)
    command(controlled, "user", name="Ada King")
    told = in_force()
    assert all(0 <= one.pop("age") < 60 for one in told)
    assert told == [
        {"command": "fault", "path": "session", "kind": "503", "times": 2},
        {"command": "latency", "path": "csrf", "seconds": 1, "when": "before"},
        {"command": "session-length", "seconds": 5},
        {"command": "user", "name": "Ada King"},
    ]
    command(controlled, "fault", path="session", kind=None)
    command(controlled, "latency", path="csrf", seconds=0)
    command(controlled, "session-length", seconds=None)
    command(controlled, "user")
    assert in_force() == []


def test_sessions_can_be_revoked(controlled: Any) -> None:
    controlled.sign_in()
    command(controlled, "revoke")
    assert controlled.session() == {}
    controlled.sign_in()
    assert controlled.session()["user"]["name"] == "Ada Lovelace"


def test_the_data_of_a_user_can_change_behind_the_back_of_the_page(controlled: Any) -> None:
    controlled.sign_in()
    command(controlled, "user", name="Ada King", image=None)
    assert controlled.session()["user"] == {"name": "Ada King", "email": "ada@example.com", "image": None}


def test_the_log_tells_who_asked_what(controlled: Any) -> None:
    controlled.get("/api/auth/session", headers={"x-test-tab": "one"})
    controlled.get("/api/auth/csrf?x-test-tab=two")
    controlled.post("/api/auth/nosuch")
    controlled.get("/index.html")
    log = controlled.get("/dev/log").json()
    assert [list(entry.values())[1:] for entry in log] == [
        ["GET", "/api/auth/session", "one", 200, True],
        ["GET", "/api/auth/csrf", "two", 200, True],
        ["POST", "/api/auth/nosuch", None, 400, True],
        ["GET", "/index.html", None, 404, True],
    ]
    assert abs(log[0]["time"] - time.time()) < 60
    controlled.request("DELETE", "/dev/log")
    assert controlled.get("/dev/log").json() == []


def test_the_log_keeps_the_last_requests(
    connect: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev_controls, "MOST_ENTRIES", 2)
    client = connect(create_app(tmp_path, dev_controls=True))
    for path in ("/a", "/b", "/c"):
        client.get(path)
    assert [entry["path"] for entry in client.get("/dev/log").json()] == ["/b", "/c"]


def test_what_is_set_outlives_the_app_that_is_built_again(connect: Callable[..., Any], tmp_path: Path) -> None:
    state = State()
    client = connect(create_app(tmp_path, dev_controls=state))
    client.sign_in()
    command(client, "fault", path="session", kind="503", times=1)
    command(client, "session-length", seconds=5)
    command(client, "user", name="Changed")
    command(client, "revoke")
    again = connect(create_app(tmp_path, dev_controls=state))
    assert again.get("/api/auth/session", headers={"Cookie": cookies_in(client)}).status_code == 503
    assert again.get("/api/auth/session", headers={"Cookie": cookies_in(client)}).json() == {}
    again.sign_in()
    session = again.session()
    assert session["user"]["name"] == "Changed"
    assert session["expires"] < time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 60))
    assert len(again.get("/dev/log").json()) > len(("csrf", "callback", "session", "session"))


def cookies_in(client: Any) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)


def test_an_answer_that_nobody_waited_for_is_not_completed(live: httpx.Client) -> None:
    command(live, "latency", path="session", seconds=30, when="after")
    with pytest.raises(httpx.ReadTimeout):
        live.get("/api/auth/session", timeout=IMPATIENCE)
    wait_for_log(live, lambda log: [(entry["status"], entry["completed"]) for entry in log] == [(None, False)])


def test_the_body_of_a_request_still_reaches_the_endpoint(live: httpx.Client) -> None:
    sign_in(live)
    assert live.get("/api/auth/session").json()["user"]["name"] == "Ada Lovelace"


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("latency", {"path": "nowhere", "seconds": 1}),
        ("latency", {"path": "session", "seconds": -1}),
        ("latency", {"path": "session", "seconds": "1"}),
        ("latency", {"path": "session", "seconds": 1, "when": "never"}),
        ("fault", {"path": "session", "kind": "fire"}),
        ("fault", {"path": "session", "kind": "503", "times": 0}),
        ("fault", {"path": ["session"], "kind": "503"}),
        ("session-length", {}),
        ("user", {"role": "admin"}),
    ],
)
def test_a_command_with_wrong_fields_says_so(controlled: Any, name: str, fields: dict[str, Any]) -> None:
    response = controlled.post(f"/dev/{name}", json=fields)
    assert response.status_code == 400
    assert response.json()["message"]


def test_other_sites_cannot_control_the_server(controlled: Any) -> None:
    assert controlled.post("/dev/revoke", headers={"Origin": "https://evil.example"}).status_code == 403
    assert controlled.post("/dev/revoke", headers={"Host": "evil.example"}).status_code == 400
    assert controlled.post("/dev/nosuch").status_code == 404
