"""URLs as text, against `urllib` and against a browser's own `URL`."""

from __future__ import annotations

import json
import subprocess
from urllib import parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nextauth_client.errors import UnsafeURL
from nextauth_client.urls import parse_query, quote, resolve, scheme_of, unquote, urlencode

from scripts.node import find_node
from tests.unit.both import in_both_interpreters
from tests.unit.portable.urls import PAGE, REFUSED, RESOLVED

test_behaviour = in_both_interpreters("urls")

quick = settings(deadline=None, database=None, max_examples=200)
texts = st.text(st.characters(exclude_categories=["Cs"]))

# What makes URLs mean something else than they seem to.
PIECES = [
    *(
        "javascript:",
        "JaVa\tscript:",
        "data:",
        "blob:",
        "ftp:",
        "http:",
        "https:",
        "HTTP:",
        ":",
        "//",
        "/",
        "\\",
        "\\\\",
    ),
    *(
        "host",
        "other.example",
        "@",
        "u:p@",
        "[::1]",
        ":80",
        "?",
        "#",
        "a=b",
        ".",
        "..",
        "%2e",
        "%",
        "|",
        "<",
        "é",
        "😀",
    ),
    *(" ", "\t", "\n", "\x01", "\x00", "\x7f", "+", "-", "1", "x"),
]
urls = st.lists(st.sampled_from(PIECES), max_size=7).map("".join) | st.text()
PAGES = [PAGE, "http://site.example", "http://localhost:3000/a/b/c", "https://[::1]:8443/a/?b"]


@quick
@given(texts)
def test_quote_is_urllibs(text: str) -> None:
    assert quote(text) == parse.quote(text, safe="")


@quick
@given(texts)
def test_unquote_undoes_quote(text: str) -> None:
    assert unquote(quote(text)) == text


@quick
@given(st.lists(st.tuples(texts, texts)))
def test_urlencode_is_urllibs_and_parse_query_undoes_it(pairs: list[tuple[str, str]]) -> None:
    encoded = urlencode(pairs)
    assert encoded == parse.urlencode(pairs, quote_via=parse.quote, safe="")
    assert parse_query(encoded) == pairs


@quick
@given(st.lists(st.sampled_from(["z", "=", "&", "+", "%20", "%C3%A9", "%", "é", ";"]), max_size=12).map("".join))
def test_parse_query_is_urllibs(query: str) -> None:
    assert parse_query(query) == parse.parse_qsl(query, keep_blank_values=True)


@quick
@given(st.text())
def test_no_text_is_too_odd_to_be_quoted_or_parsed(text: str) -> None:
    quote(text)
    unquote(text)
    parse_query(text)


@settings(quick, max_examples=300)
@given(urls, st.sampled_from(PAGES))
def test_resolving_gives_an_http_address_or_refuses(url: str, page: str) -> None:
    try:
        result = resolve(url, page)
    except UnsafeURL:
        return
    assert scheme_of(result) in ("http", "https")
    assert result.partition("://")[2].strip("/@:")
    assert resolve(result, page) == result
    assert resolve(result, "https://elsewhere.example/") == result


BROWSER = """
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
function href(...parts) { try { return new URL(...parts).href; } catch { return null; } }
const answers = cases.map(([url, page, ours]) => [href(url, page), ours === null ? null : href(ours)]);
console.log(JSON.stringify(answers));
"""


def in_a_browser(cases: list[tuple[str, str, str | None]]) -> list[tuple[str | None, str | None]]:
    """What `new URL` makes of each URL on its page, and of our outcome; `None` when it throws."""
    node = find_node()
    assert node is not None
    done = subprocess.run(
        [node.node, "-e", BROWSER], input=json.dumps(cases), capture_output=True, encoding="utf-8", check=True
    )
    answers = json.loads(done.stdout)
    assert isinstance(answers, list)
    return answers


def resolved(url: str, page: str) -> str | None:
    try:
        return resolve(url, page)
    except UnsafeURL:
        return None


def test_a_browser_goes_where_we_say_and_nowhere_else() -> None:
    written = [*(url for url, _ in RESOLVED), *REFUSED]
    # Each piece beside each other, in the middle of what else a URL may begin with.
    made = [a + b + c + "/x" for a in PIECES for b in PIECES for c in ("", "//", "host")]
    cases = [(url, page, resolved(url, page)) for page in PAGES[:2] for url in [*written, *made]]
    for (url, page, ours), (theirs, read) in zip(cases, in_a_browser(cases), strict=True):
        if theirs is not None and not theirs.startswith(("http:", "https:")):
            theirs = None
        if ours is not None and read is None:
            assert theirs is None, (url, page)  # the browser refuses both
        else:
            assert read == theirs, (url, page)


@pytest.mark.parametrize("url", ["\ud800", "/a?b=\udfff", "https://x/\ud83d"])
def test_half_a_character_does_no_harm(url: str) -> None:
    quote(resolve(url, PAGE))
