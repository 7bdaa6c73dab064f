"""What `urls` promises, in every interpreter."""

from nextauth_client.errors import UnsafeURL
from nextauth_client.urls import parse_query, query_of, quote, resolve, split, unquote, urlencode, without_query

from .helpers import raised

PAGE = "https://site.example/app/page?x=1#top"

# On PAGE, as `new URL(url, page)` has it.
RESOLVED = [
    ("", "https://site.example/app/page?x=1"),
    ("   ", "https://site.example/app/page?x=1"),
    ("#hash", "https://site.example/app/page?x=1#hash"),
    ("?q=2", "https://site.example/app/page?q=2"),
    ("other", "https://site.example/app/other"),
    ("./other", "https://site.example/app/other"),
    ("../other", "https://site.example/other"),
    ("../../../other", "https://site.example/other"),
    ("a/./b/../c", "https://site.example/app/a/c"),
    ("a/%2e%2E/c", "https://site.example/app/c"),
    ("..", "https://site.example/"),
    (".", "https://site.example/app/"),
    ("/root?a=/../b#/../c", "https://site.example/root?a=/../b#/../c"),
    ("!x!", "https://site.example/app/!x!"),
    ("/a:b", "https://site.example/a:b"),
    ("/\u00e9/\U0001f600", "https://site.example/\u00e9/\U0001f600"),
    ("  /trimmed \n", "https://site.example/trimmed"),
    ("/a\tb\nc", "https://site.example/abc"),
    ("//other.example/x", "https://other.example/x"),
    ("///other.example/x", "https://other.example/x"),
    ("\\\\other.example\\x", "https://other.example/x"),
    ("/\\other.example/x", "https://other.example/x"),
    ("/\t/other.example/x", "https://other.example/x"),
    ("http://other.example", "http://other.example"),
    ("HTTP://other.example/A", "http://other.example/A"),
    ("http:other.example/x", "http://other.example/x"),
    ("http:/\\other.example/x", "http://other.example/x"),
    ("https:other", "https://site.example/app/other"),
    ("https:/other", "https://site.example/other"),
    ("https:\\\\other.example", "https://other.example"),
    ("https:javascript:alert(1)", "https://site.example/app/javascript:alert(1)"),
    ("https://other.example/a/../b?c#d", "https://other.example/b?c#d"),
    ("https://user:password@other.example:8443/x", "https://user:password@other.example:8443/x"),
    ("https://site.example@other.example/x", "https://site.example@other.example/x"),
    ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
    ("https://[::1]", "https://[::1]"),
    ("https://other.example:65535/x", "https://other.example:65535/x"),
    ("https://site.example:/x", "https://site.example:/x"),
    ("1javascript:alert(1)", "https://site.example/app/1javascript:alert(1)"),
    ("/javascript:alert(1)", "https://site.example/javascript:alert(1)"),
]

REFUSED = [
    "javascript:alert(1)",
    "JaVa\tscript:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    " javascript:alert(1)",
    "\x00\x1f javascript:alert(1)",
    "javascript://site.example/%0aalert(1)",
    " data:text/html,x",
    "DATA:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://site.example/1",
    "mailto:a@site.example",
    "ftp://site.example/x",
    "ws://site.example",
    "about:blank",
    "intent://x#Intent;end",
    "x+y-z.1:anything",
    "//",
    "\\\\",
    "http://",
    "http:///",
    "https://?x",
    "https://#x",
    "https://@/x",
    "https://user@/x",
    "https://:80/x",
    "https://[::1/x",
    "https://[::1]x/",
    "https://a b/",
    "https://a<b/",
    "https://site.example:port/x",
    "https://site.example:123456/x",
]


def test_urls_are_resolved_as_a_browser_does():
    for url, expected in RESOLVED:
        assert resolve(url, PAGE) == expected, url


def test_a_page_without_a_path_has_the_root():
    assert resolve("other", "https://site.example") == "https://site.example/other"
    assert resolve("", "https://site.example") == "https://site.example/"
    assert resolve("?a", "https://site.example") == "https://site.example/?a"


def test_an_http_page_keeps_its_port_and_scheme():
    page = "http://localhost:3000/a/b"
    assert resolve("/x", page) == "http://localhost:3000/x"
    assert resolve("//other.example/x", page) == "http://other.example/x"
    assert resolve("https:x/y", page) == "https://x/y"


def test_what_is_not_an_http_address_is_refused():
    for url in REFUSED:
        try:
            got = resolve(url, PAGE)
        except UnsafeURL:
            continue
        raise AssertionError(f"{url!r} became {got!r}")


def test_nothing_is_relative_to_what_is_not_an_http_page():
    for page in ("about:blank", "blob:https://site.example/1", "file:///a/b", "ftp://site.example/", "https:", "", "x"):
        assert isinstance(raised(UnsafeURL, resolve, "/x", page), UnsafeURL)
        assert isinstance(raised(UnsafeURL, resolve, "", page), UnsafeURL)


def test_the_refusal_names_the_scheme_and_nothing_else():
    message = raised(UnsafeURL, resolve, "javascript:secret()", PAGE).message
    assert "javascript:" in message
    assert "secret" not in message


def test_quoting_leaves_only_unreserved_characters():
    assert quote("a-_.~Z9") == "a-_.~Z9"
    assert quote("a b&c=d/e+\u00e9\U0001f600") == "a%20b%26c%3Dd%2Fe%2B%C3%A9%F0%9F%98%80"
    assert quote("") == ""


def test_unquoting_undoes_it_and_leaves_what_is_not_valid():
    assert unquote("a%20b%26c%C3%A9%f0%9f%98%80") == "a b&c\u00e9\U0001f600"
    assert unquote("a+b%2B") == "a b+"
    assert unquote("100%") == "100%"
    assert unquote("%zz%4") == "%zz%4"
    assert unquote("%ff") == "%ff"


def test_pairs_keep_their_order_and_their_repetition():
    pairs = [("b", "1"), ("a", "2"), ("b", ""), ("\u00fc", "x y")]
    assert urlencode(pairs) == "b=1&a=2&b=&%C3%BC=x%20y"
    assert parse_query("b=1&a=2&b=&%C3%BC=x%20y") == pairs
    assert parse_query("a&=b&&c=d=e") == [("a", ""), ("", "b"), ("c", "d=e")]


def test_of_a_repeated_name_the_first_counts():
    assert query_of("/x?a=1&a=2&b=3#a=4") == {"a": "1", "b": "3"}
    assert query_of("/x") == {}


def test_a_url_splits_into_its_four_parts():
    assert split("HTTPS://Site.Example:1/a/b?c?d#e#f") == ("https://site.example:1", "/a/b", "c?d", "e#f")
    assert split("/a?b#c") == ("", "/a", "b", "c")
    assert split("javascript:x") == ("", "javascript:x", "", "")


def test_parameters_can_be_dropped_and_the_others_stay_as_written():
    drop = ("error", "code")
    assert without_query("/x?error=A&next=%2Fy+z&code=1#h", drop) == "/x?next=%2Fy+z#h"
    assert without_query("/x?error=A#h", drop) == "/x#h"
    assert without_query("/x?%65rror=A", drop) == "/x"
    assert without_query("/x?errors=A", drop) == "/x?errors=A"
    assert without_query("/x#?error=A", drop) == "/x#?error=A"
