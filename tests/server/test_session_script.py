"""The session inside a page's HTML."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import jinja2
import pytest
from django.template import Context, Engine
from nextauth_client import Session
from nextauth_client.server import session_script

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
    assert page.attributes == [{"type": "application/json", "id": "nextauth-session"}]
    assert json.loads(page.text) == data


def test_nobody_is_null() -> None:
    assert session_script(None) == '<script type="application/json" id="nextauth-session">null</script>'


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
