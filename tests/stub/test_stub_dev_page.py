"""The development controls as a page: its forms do what the JSON API does."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server_stub import MagicLinks, create_app
from server_stub.exchange import MAX_BODY
from tests.stub.strangers import OF_A_PROXY, SECRET


class Forms(HTMLParser):
    """The fields of each form by its action, and what labels refer to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self.labelled: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms[attributes["action"]] = []
        if tag in ("input", "select"):
            self.forms[list(self.forms)[-1]].append(attributes["name"])
            self.ids.append(attributes["id"])
        if tag == "label":
            self.labelled.append(attributes["for"])


@pytest.fixture
def client(connect: Callable[..., Any], tmp_path: Path) -> Any:
    return connect(create_app(tmp_path, dev_controls=True))


def submit(client: Any, command: str, **fields: str) -> Any:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = client.post(f"/dev/{command}", content=urlencode(fields), headers=headers)
    assert (response.status_code, response.headers["location"]) == (303, "/dev?done")
    return client.get(response.headers["location"])


@pytest.mark.parametrize("path", ["/dev", "/dev/"])
def test_every_field_has_a_label_of_its_own(client: Any, path: str) -> None:
    response = client.get(path)
    page = Forms(response.text)
    assert page.labelled == page.ids
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.forms) == {
        f"/dev/{name}" for name in ("fault", "latency", "session-length", "user", "revoke", "reset")
    }
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "Done." not in response.text


def test_it_is_in_plain_english(client: Any) -> None:
    page = client.get("/dev").text
    assert re.findall("<button>(.*?)</button>", page) == [
        *("Set error", "Set delay", "Set lifetime", "Change user", "Revoke all sessions", "Reset")
    ]
    assert re.findall("<legend>(.*?)</legend>", page) == [
        *("Answer with an error", "Delay answers", "Lifetime of new sessions", "Change the signed-in user"),
        *("Sign everybody out on the server", "Undo all of this and empty the log"),
    ]
    assert re.findall("<dt>(.*?)</dt>", page) == ["Lifetime of new sessions", "Errors", "Delays", "User changed to"]


def test_a_fault_is_set_shown_and_ended(client: Any) -> None:
    assert "<dd>session 503</dd>" in submit(client, "fault", path="session", kind="503", times="").text
    assert client.get("/api/auth/session").status_code == 503
    page = submit(client, "fault", path="session", kind="").text
    assert 'role="status">Done.' in page
    assert "session 503" not in page
    submit(client, "fault", path="session", kind="503", times="1")
    assert [client.get("/api/auth/session").status_code for _ in range(2)] == [503, 200]


def test_sessions_and_their_user_are_changed_and_reset(client: Any) -> None:
    client.sign_in()
    page = submit(client, "user", name="<b>Countess</b>", email="").text
    assert "&lt;b&gt;Countess" in page
    assert client.session()["user"]["name"] == "<b>Countess</b>"
    assert "<dd>5 s</dd>" in submit(client, "session-length", seconds="5").text
    assert (
        "<dd>session 0.001 s (after)</dd>"
        in submit(client, "latency", path="session", seconds="0.001", when="after").text
    )
    page = submit(client, "reset").text
    assert "<dd>2,592,000 s</dd>" in page
    assert client.session()["user"]["name"] == "Ada Lovelace"
    submit(client, "revoke")
    assert client.session() == {}


def test_the_last_requests_are_listed_the_newest_first(client: Any) -> None:
    client.get("/api/auth/csrf")
    client.get("/<script>")
    page = client.get("/dev").text
    assert page.index("/&lt;script&gt;") < page.index("/api/auth/csrf")
    assert "<script" not in page


def test_a_mistake_is_explained_and_another_site_is_refused(client: Any) -> None:
    response = client.post("/dev/session-length", data={"seconds": "soon"})
    assert (response.status_code, response.json()) == (400, {"message": "seconds must be a number from 0 on"})
    response = client.post("/dev/revoke", data={}, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
    response = client.post("/dev/revoke", data={}, headers={"Sec-Fetch-Site": "same-site"})
    assert response.status_code == 403
    assert client.get("/dev", headers={"Host": "evil.example"}).status_code == 400
    assert client.post("/dev/user", content=b" " * (MAX_BODY + 1)).status_code == 413


@pytest.mark.parametrize("path", ["/dev", "/dev/log", "/dev/inbox", "/dev/idp/jwks"])
@pytest.mark.parametrize("url", [None, "https://app.example.com"])
def test_what_is_for_developers_is_for_this_machine_alone(
    connect: Callable[..., Any], tmp_path: Path, path: str, url: str | None
) -> None:
    app = create_app(
        tmp_path, url=url, secret=SECRET, magic_links=MagicLinks(), dev_idp=True, dev_controls=True, trust_proxy=True
    )
    client = connect(app)
    assert client.get(path).status_code == 200
    for name in ("evil.example", "app.example.com"):
        assert client.get(path, headers={"Host": name}).status_code == 400
    for header in OF_A_PROXY:
        assert client.get(path, headers={header: "localhost"}).status_code == 403
    answer = connect(app, address="192.0.2.1").get(path, headers={"Host": "localhost"})
    assert (answer.status_code, "this machine alone" in answer.text) == (403, True)


def test_without_the_controls_there_is_no_page(connect: Callable[..., Any], tmp_path: Path) -> None:
    assert connect(create_app(tmp_path)).get("/dev").status_code == 404


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    command=st.sampled_from(["", "fault", "latency", "session-length", "user", "revoke", "reset", "log", "x"]),
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT"]),
    fields=st.dictionaries(
        st.sampled_from(["path", "kind", "times", "seconds", "when", "name"]),
        st.text() | st.sampled_from(["session", "503", "1e400", "nan", "-1", "0.5"]),
    ),
)
def test_junk_never_breaks_a_command(
    connect: Callable[..., Any], command: str, method: str, fields: dict[str, str]
) -> None:
    client = connect(create_app(".", dev_controls=True))
    response = client.request(method, f"/dev/{command}", data=fields)
    assert response.status_code < 500
    assert client.get("/dev").status_code == 200
