"""What `auth_fetch` sends, where, and what it makes of an answer."""

import asyncio

from nextauth_client.calls import Call
from nextauth_client.errors import UnexpectedAnswer
from nextauth_client.events import UNSET
from nextauth_client.host import Headers, Response
from nextauth_client.options import Options, origins
from nextauth_client.urls import resolve

from tests.unit.portable.helpers import raised, raised_by

HOME = "https://example.org"
API = "https://api.example.com:8443"
ADA = {"user": {"name": "Ada", "token": "inner"}, "accessToken": "outer", "number": 5}


class Kept:
    def __init__(self, body):
        self.body = body

    def text(self):
        return self.body.decode()

    def bytes(self):
        return self.body


def response(status=200, body=b"", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, HOME + "/x?secret=1", named, Kept(body))


class Host:
    """Answers by a script, and keeps what was sent."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []
        self.timeouts = []
        self.clock = 1790000000.0

    def now(self):
        return self.clock

    def origin(self):
        return HOME

    def resolve(self, url):
        return resolve(url, HOME + "/shop/page")

    async def call(self, request, timeout):
        kept = dict(request.headers)
        self.sent.append((request.method, request.url, kept, request.body))
        self.timeouts.append(timeout)
        return self.answers.pop(0)


class Driver:
    """Knows who is signed in, and is asked what a 401 means."""

    def __init__(self, session=None, then=None):
        self.machine = self.view = self.callers = self
        self.session = session
        self.then = then
        self.asked = []
        self.is_idle = False

    def catch_up(self):
        pass

    async def end_idling(self):
        pass

    async def first_answer(self, patient):
        assert not patient

    async def is_signed_in_since(self, left, timeout):
        self.asked.append((left, timeout))
        self.session = self.then
        return self.then is not None


def call(host, url="/x", method="GET", json=UNSET, data=None, headers=None, token=False, timeout=None, api=()):
    return Call(host, Options(api_origins=api), url, method, json, data, headers, token, timeout)


def sent_by(**options):
    """Method, URL, headers and body of a call."""

    async def send():
        host = Host(response())
        await call(host, **options).send()
        [sent] = host.sent
        return sent

    return send()


async def test_it_goes_to_the_pages_origin_and_to_those_that_are_named():
    for url, address in (
        ("/x", HOME + "/x"),
        ("x?a=1", HOME + "/shop/x?a=1"),
        (HOME + "/x", HOME + "/x"),
        (API + "/x", API + "/x"),
        ("https:x", HOME + "/shop/x"),  # as browsers read it
        (HOME + "\\@evil/x", HOME + "/@evil/x"),
    ):
        assert (await sent_by(url=url, api=(API,)))[1] == address


def test_it_goes_nowhere_else():
    for url in (
        "http://example.org/x",
        "https://example.org:8443/x",
        "https://example.org.evil/x",
        "https://example.org@evil/x",
        "https://evil@example.org/x",
        "//evil/x",
        "\\\\evil/x",
        "/\t/evil/x",
        "javascript:alert(1)",
        "data:text/plain,x",
        "blob:https://example.org/1",
        "file:///etc/passwd",
        "https://ex\u0430mple.org/x",
        "https://api.example.com/x",
        "https://api.example.com:844/x",
        "https://",
    ):
        error = raised(ValueError, call, Host(), url, api=(API,))
        assert "nothing was sent" in str(error), url


def test_named_origins_are_checked_and_normalised():
    def absolute(url):
        return resolve(url, HOME + "/page")

    assert origins((API, "HTTPS://Api.Example.com/"), absolute) == (API, "https://api.example.com")
    assert origins([], absolute) == ()
    for wrong in (API, None, 5):
        assert "tuple" in str(raised(TypeError, origins, wrong, absolute))
    for wrong in ("api.example.com", API + "/v1", API + "?a", "javascript:x", "https://a@b", "", 5, "*"):
        assert "api_origins holds origins" in str(raised(ValueError, origins, (wrong,), absolute))


async def test_each_body_has_its_content_type():
    for options, kind, body in (
        ({"json": {"a": [1]}}, "application/json", '{"a": [1]}'),
        ({"json": None}, "application/json", "null"),
        ({"data": "plain"}, "text/plain;charset=UTF-8", "plain"),
        ({"data": b"\x00\xff"}, "application/octet-stream", b"\x00\xff"),
        ({"data": {"a b": "c&d"}}, "application/x-www-form-urlencoded", "a%20b=c%26d"),
        ({"data": {"n": [1, "2"]}}, "application/x-www-form-urlencoded", "n=1&n=2"),
    ):
        method, _, headers, sent = await sent_by(method="post", **options)
        assert (method, headers["content-type"], sent) == ("POST", kind, body)
    _, _, headers, _ = await sent_by(method="PUT", data="a,b", headers={"Content-Type": "text/csv", "X-Key": "1"})
    assert headers == {"content-type": "text/csv", "x-key": "1"}
    assert (await sent_by())[2:] == ({}, None)


def test_what_cannot_be_sent_is_refused_in_words():
    for kind, words, options in (
        (ValueError, "method='POST'", {"json": 1}),
        (ValueError, "method='POST'", {"data": "", "method": "HEAD"}),
        (ValueError, "one of GET", {"method": "TRACE"}),
        (ValueError, "one of GET", {"method": "GET /x"}),
        (ValueError, "two bodies", {"json": 1, "data": "1", "method": "POST"}),
        (TypeError, "plain data", {"json": {1}, "method": "POST"}),
        (ValueError, "JSON has no", {"json": float("nan"), "method": "POST"}),
        (TypeError, "'flag' is bool", {"data": {"flag": True}, "method": "POST"}),
        (ValueError, "'X-A'", {"headers": {"X-A": "1\r\nX-B: 2"}}),
        (ValueError, "'X A'", {"headers": {"X A": "1"}}),
        (ValueError, "'X-A'", {"headers": {"X-A": 1}}),
        (ValueError, "''", {"headers": {"": "1"}}),
        (ValueError, "timeout", {"timeout": 0}),
        (TypeError, "timeout", {"timeout": "5"}),
    ):
        error = raised(kind, call, Host(), **options)
        assert words in str(error), (words, str(error))


async def test_the_token_is_the_sessions_own():
    for token, value in ((True, "Bearer outer"), ("accessToken", "Bearer outer"), ("user.token", "Bearer inner")):
        host = Host(response())
        await call(host, token=token).send(Driver(ADA))
        assert host.sent[0][2] == {"authorization": value}
    host = Host(response())
    await call(host, token=True).send(Driver(None))
    assert host.sent[0][2] == {}
    for missing in ("nothing", "user.nothing", "accessToken.more", "user", "number"):
        error = await raised_by(ValueError, call(Host(), token=missing).send(Driver(ADA)))
        assert "The session has no " + missing in str(error)


async def test_a_refused_call_is_sent_once_more_when_somebody_is_signed_in():
    for method in ("GET", "POST", "DELETE"):
        host = Host(response(401), response(200))
        host.clock += 1
        driver = Driver(ADA, dict(ADA, accessToken="fresh"))
        answer = await call(host, method=method, token=True).send(driver)
        assert (answer.status, len(host.sent)) == (200, 2)
        assert [sent[2]["authorization"] for sent in host.sent] == ["Bearer outer", "Bearer fresh"]
        assert driver.asked == [(host.clock, 10)]


async def test_a_call_that_is_refused_for_ever_is_sent_twice():
    host = Host(response(401), response(401, b"<html>"))
    driver = Driver(ADA, ADA)
    answer = await call(host).send(driver)
    assert (answer.status, answer.ok, await answer.text()) == (401, False, "<html>")
    assert (len(host.sent), len(driver.asked)) == (2, 1)


async def test_a_refusal_is_the_answer_when_nobody_is_signed_in_or_nobody_can_be_asked():
    for driver in (Driver(ADA, None), None):
        host = Host(response(401, b"no"))
        answer = await call(host).send(driver)
        assert (answer.status, await answer.text(), len(host.sent)) == (401, "no", 1)


async def test_who_is_signed_out_takes_no_token_along():
    host = Host(response(401), response(200))
    driver = Driver(ADA, {"user": {}, "accessToken": "b"})
    await call(host, token=True).send(driver)
    assert host.sent[1][2] == {"authorization": "Bearer b"}


async def test_a_busy_server_is_asked_once_more_if_that_is_soon_enough():
    later = "Mon, 21 Sep 2026 14:13:31 GMT"  # by 11 seconds
    for after, times in (("0", 2), ("11", 1), ("-1", 1), ("soon", 1), ("", 1), (later, 1), ("9" * 30, 1)):
        for status in (429, 503):
            host = Host(response(status, retry_after=after), response(200))
            answer = await call(host).send()
            assert len(host.sent) == times, after
            assert answer.status == (200 if times == 2 else status)
    past = "Mon, 21 Sep 2020 13:33:22 GMT"
    for options in ({"retry_after": past}, {"Retry_After": "0"}):
        host = Host(response(503, **options), response(503, retry_after="0"))
        assert (await call(host, method="HEAD").send()).status == 503
        assert len(host.sent) == 2


async def test_what_may_change_something_is_not_repeated_for_a_busy_server():
    for method, status in (("POST", 503), ("DELETE", 429), ("GET", 500)):
        host = Host(response(status, retry_after="0"))
        assert (await call(host, method=method).send()).status == status


async def test_the_timeout_is_for_all_of_it():
    host = Host(response(401), response(200))
    driver = Driver(ADA, ADA)

    async def asks(left, timeout):
        assert timeout == 3
        host.clock += 1
        return True

    driver.is_signed_in_since = asks
    await call(host, timeout=3).send(driver)
    assert host.timeouts == [3, 2]


async def test_a_redirect_is_an_error_that_names_the_address_without_its_query():
    error = await raised_by(UnexpectedAnswer, call(Host(response(0)), "/x#token?token=1").send())
    assert HOME + "/x answered with a redirect" in str(error)
    assert "token" not in str(error)


def test_headers_are_found_however_they_are_written():
    headers = Headers({"Content-Type": "text/plain", "ETag": "1"})
    assert headers["content-type"] == headers["CONTENT-TYPE"] == headers.get("Content-type") == "text/plain"
    assert "etag" in headers and "X-None" not in headers
    assert (headers.get("x"), headers.get("x", "y")) == (None, "y")
    assert sorted(headers) == ["content-type", "etag"]
    assert raised(KeyError, lambda: headers["x"])


async def test_a_body_can_be_read_in_each_way_and_again():
    answer = response(201, b'{"a": "\xc3\xa4"}')
    assert answer.ok
    for _ in range(2):
        assert await answer.json() == {"a": "\u00e4"}
        assert await answer.text() == '{"a": "\u00e4"}'
        assert await answer.bytes() == b'{"a": "\xc3\xa4"}'


async def test_what_is_no_json_says_so_without_the_query():
    for body, words in ((b"", "empty"), (b"  \n", "empty"), (b"<html>", "no JSON"), (b"[" * 500, "no JSON")):
        error = await raised_by(UnexpectedAnswer, response(204, body).json())
        assert words in str(error) and "(status 204)" in str(error) and "secret" not in str(error)


async def test_what_was_too_large_has_a_status_and_no_body():
    answer = Response(200, HOME + "/x", {}, None)
    assert answer.status == 200
    for read in (answer.text, answer.bytes, answer.json):
        assert "too large for a page" in str(await raised_by(UnexpectedAnswer, read()))


async def test_what_is_printed_of_an_answer_has_no_secret():
    assert repr(response(200, b"body")) == "Response(200 " + HOME + "/x)"
    await asyncio.sleep(0)
