"""The session inside a page's HTML."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import httpx
import jinja2
import pytest
from django.template import Context, Engine
from nextauth_client import Session
from nextauth_server import get_session, get_session_sync, session_script

HOSTILE = "</script><script>alert(1)</script><!-- <script> ]]> &lt; &amp; ' \" \\ \u2028\u2029 \0 ü 🦊 \ud800"


class Scripts(HTMLParser):
    """The scripts of a page, and whether anything else is there."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.attributes: list[dict[str, str | None]] = []
        self.text = ""
        self.tags: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", [HOSTILE, "<!--<script>", "</SCRIPT >", "&quot;"])
def test_no_text_of_a_session_gets_out_of_the_element(text: str) -> None:
    data = {"user": {"name": text, text: [text]}, "expires": "2030-01-01T00:00:00.000Z"}
    script = session_script(Session(data))
    inside = script[script.index(">") + 1 : script.rindex("</script>")]
    assert not set(inside) & set("<>&\u2028\u2029") and inside.isascii()
    page = Scripts(script)
    assert page.tags == ["script"]
    [attributes] = page.attributes
    assert (attributes.pop("data-at") or "").replace(".", "", 1).isdecimal()
    assert attributes == {"type": "application/json", "id": "nextauth-session"}
    assert json.loads(page.text) == data


def test_nobody_is_null() -> None:
    assert Scripts(session_script(None)).text == "null"


def at(script: str) -> float:
    return float(Scripts(script).attributes[0]["data-at"] or "")


@pytest.mark.parametrize("ask", [get_session, get_session_sync], ids=["async", "sync"])
def test_it_says_when_the_backend_was_asked(ask: Callable[..., Any]) -> None:
    answered = []

    def backend(request: httpx.Request) -> httpx.Response:
        answered.append(time.time())
        return httpx.Response(200, json={"user": {"name": "Ada"}})

    transport = httpx.MockTransport(backend)
    before = time.time()
    if ask is get_session:
        session = asyncio.run(ask("a=b", base_url="http://b.test", client=httpx.AsyncClient(transport=transport)))
    else:
        with httpx.Client(transport=transport) as client:
            session = ask("a=b", base_url="http://b.test", client=client)
    while time.time() < answered[0] + 0.01:
        pass  # the page is made later
    assert before - 0.001 <= at(session_script(session)) <= answered[0] + 0.001
    assert session == {"user": {"name": "Ada"}} and list(session) == ["user"] and "at" not in repr(session)


@pytest.mark.parametrize("session", [None, Session({"user": {}})], ids=["nobody", "made by hand"])
def test_of_what_was_not_asked_it_says_now(session: Session | None) -> None:
    before = time.time()
    assert before - 0.001 <= at(session_script(session)) <= time.time() + 0.001


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_json_cannot_say_is_null_as_javascript_writes_it(number: str) -> None:
    data = json.loads('{"user": {"x": [NUMBER]}, "y": NUMBER, "z": 1.5}'.replace("NUMBER", number))
    script = session_script(Session(data))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = Scripts(script).text
    assert json.loads(text, parse_constant=refuse) == {"user": {"x": [None]}, "y": None, "z": 1.5}


def test_templates_leave_it_as_it_is() -> None:
    script = session_script(Session({"user": {"name": HOSTILE}}))
    in_jinja = jinja2.Environment(autoescape=True).from_string("{{ script }}").render(script=script)
    in_django = Engine().from_string("{{ script }}").render(Context({"script": script}))
    assert in_jinja == in_django == script


def test_text_added_to_it_is_escaped_again() -> None:
    page = jinja2.Environment(autoescape=True).from_string("{{ script }}").render(script=session_script(None) + "<b>")
    assert "<" not in page


def test_something_else_than_a_session_is_refused() -> None:
    with pytest.raises(TypeError, match="a Session, or None"):
        session_script({"user": {}})  # type: ignore[arg-type]
