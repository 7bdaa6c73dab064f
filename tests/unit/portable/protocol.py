"""What `protocol` sends and understands, in every interpreter."""

import json

from nextauth_client import jsontext, protocol
from nextauth_client.errors import UnexpectedAnswer, UnsafeURL
from nextauth_client.host import Answer, Request
from nextauth_client.session import AuthProvider
from nextauth_client.urls import parse_query, resolve

from .helpers import raised

BASE = "https://site.example/api/auth"
PAGE = "https://site.example/page"
FORM_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
    "X-Auth-Return-Redirect": "1",
}


def provider(id="credentials", type="credentials"):
    return AuthProvider(id, "Name", type, "", "")


def sign_in(fields=None, params=(), **of):
    return protocol.sign_in_request(BASE, provider(**of), "token", PAGE, fields or {}, list(params))


def answer(data, status=200):
    return Answer(status, json.dumps(data))


# ── requests ─────────────────────────────────────────────────────────────────────────────────────


def test_queries_are_gets_of_json():
    for request, path in (
        (protocol.session_request(BASE), "/session"),
        (protocol.csrf_request(BASE), "/csrf"),
        (protocol.providers_request(BASE), "/providers"),
    ):
        assert request.method == "GET"
        assert request.url == BASE + path
        assert request.headers == {"Accept": "application/json"}
        assert request.body is None


def test_credentials_go_to_callback():
    request = sign_in({"username": "a b", "password": "p&=\u00e9"})
    assert request.method == "POST"
    assert request.url == BASE + "/callback/credentials"
    assert request.headers == FORM_HEADERS
    assert sorted(parse_query(request.body)) == [
        ("callbackUrl", PAGE),
        ("csrfToken", "token"),
        ("json", "true"),
        ("password", "p&=\u00e9"),
        ("username", "a b"),
    ]


def test_other_kinds_go_to_signin():
    for kind in ("email", "oauth", "oidc", "webauthn", ""):
        assert sign_in(id="x", type=kind).url == BASE + "/signin/x"


def test_an_id_stays_one_segment_of_the_path():
    assert sign_in(id="a/../b?c#d", type="oauth").url == BASE + "/signin/a%2F..%2Fb%3Fc%23d"
    assert sign_in(id="\u00e9\U0001f600", type="oauth").url == BASE + "/signin/%C3%A9%F0%9F%98%80"


def test_authorization_parameters_stand_in_the_address():
    request = sign_in(params=[("prompt", "login x"), ("hint", "a&b")], id="x", type="oidc")
    assert request.url == BASE + "/signin/x?prompt=login%20x&hint=a%26b"


def test_fields_cannot_replace_the_clients_own():
    request = sign_in({"csrfToken": "forged", "callbackUrl": "https://evil.example", "json": "false"})
    assert parse_query(request.body) == [("csrfToken", "token"), ("callbackUrl", PAGE), ("json", "true")]


def test_fields_are_written_as_the_javascript_client_does():
    form = dict(parse_query(sign_in({"remember": True, "public": False, "otp": None, "pin": 12, "empty": ""}).body))
    assert form["remember"] == "true" and form["public"] == "false"
    assert form["pin"] == "12" and form["empty"] == ""
    assert "otp" not in form


def test_signing_out_is_a_form_without_fields():
    request = protocol.sign_out_request(BASE, "token", PAGE)
    assert (request.method, request.url) == ("POST", BASE + "/signout")
    assert request.headers == FORM_HEADERS
    assert parse_query(request.body) == [("csrfToken", "token"), ("callbackUrl", PAGE), ("json", "true")]


def test_an_update_is_json():
    request = protocol.update_request(BASE, "token", {"name": "\u00e9"})
    assert (request.method, request.url) == ("POST", BASE + "/session")
    assert request.headers == {"Accept": "application/json", "Content-Type": "application/json"}
    assert json.loads(request.body) == {"csrfToken": "token", "data": {"name": "\u00e9"}}


def test_the_sign_in_page_knows_the_way_back():
    url = protocol.sign_in_page(BASE, "https://site.example/a?b=c#d")
    assert url == BASE + "/signin?callbackUrl=https%3A%2F%2Fsite.example%2Fa%3Fb%3Dc%23d"


def test_a_request_does_not_show_its_body():
    assert "secret" not in repr(sign_in({"password": "secret"}))


def test_parameters_that_are_the_servers_are_set_apart():
    pinned, free = protocol.pinned_and_free(
        "?prompt=login&redirect_uri=x&scope=y&state=z&client_id=a&response_type=b&nonce=c"
        "&code_challenge=d&code_challenge_method=e&login_hint=f%20g"
    )
    assert sorted(pinned) == [
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    ]
    assert free == [("prompt", "login"), ("login_hint", "f g")]


def test_parameters_are_a_mapping_a_query_string_or_nothing():
    assert protocol.pinned_and_free(None) == ([], [])
    assert protocol.pinned_and_free("") == ([], [])
    assert protocol.pinned_and_free("a=1") == ([], [("a", "1")])
    assert protocol.pinned_and_free({"a": 1}) == ([], [("a", "1")])
    for wrong in (1, [("a", "1")], b"a=1"):
        assert "mapping or a query string" in str(raised(TypeError, protocol.pinned_and_free, wrong))


# ── the session ──────────────────────────────────────────────────────────────────────────────────


def test_a_session_is_given_as_plain_data():
    session = {"user": {"name": "Ada", "email": None}, "expires": "x", "more": [1, {"a": True}]}
    assert protocol.understand_session(answer(session)) == session


def test_s3_a_session_callback_may_leave_out_the_user_or_when_it_expires():
    for session in (
        {"expires": "2026-12-23T13:41:00.000Z"},
        {"expires": "1999-12-23T13:41:00+02:00", "role": "admin"},
        {"user": {}},
        {"user": {"name": "Ada"}, "expires": None},
    ):
        assert protocol.understand_session(answer(session)) == session


def test_an_empty_object_and_null_are_nobody():
    for text in ("{}", "null", " {} ", "{ }\n"):
        assert protocol.understand_session(Answer(200, text)) is None


def test_everything_else_leaves_it_unknown_and_says_what_came():
    for text, status, said in (
        ("", 200, "an empty body"),
        ("  \n", 200, "an empty body"),
        ("", 500, "status 500"),
        ("<!DOCTYPE html><title>x</title>", 200, "HTML"),
        ("  <html>", 502, "HTML"),
        ("oops", 200, "not JSON"),
        ('{"user": {', 200, "not JSON"),
        ('{"message": "x"}', 500, "status 500"),
        ("{}", 404, "status 404"),
        ("null", 503, "status 503"),
        ("{}", 204, "status 204"),
        ("[]", 200, "not an object"),
        ('"text"', 200, "not an object"),
        ("0", 200, "not an object"),
        ("false", 200, "not an object"),
        ('{"user": "Ada"}', 200, "user"),
        ('{"user": null}', 200, "user"),
        ('{"user": []}', 200, "user"),
        ('{"user": null, "expires": "2026-12-23T13:41:00.000Z"}', 200, "user"),
        # Another API's answers, at a base path that is not the backend's.
        ('{"status": "ok"}', 200, "neither a user nor a time"),
        ('{"message": "Not found", "code": 404}', 200, "neither a user nor a time"),
        ('{"expires": "x"}', 200, "neither a user nor a time"),
        ('{"expires": 1798032060}', 200, "neither a user nor a time"),
        ('{"expires": null, "name": "Ada"}', 200, "neither a user nor a time"),
        ("[" * 100000, 200, "not JSON"),
    ):
        error = raised(UnexpectedAnswer, protocol.understand_session, Answer(status, text))
        assert said in error.message, (text[:50], error.message)
    assert "redirect" in raised(UnexpectedAnswer, protocol.understand_session, Answer(200, "{}", True)).message


def test_an_error_shows_nothing_of_what_came():
    for understand in (protocol.understand_session, protocol.understand_csrf, protocol.understand_providers):
        for text in ("secret", '["secret"]', '"secret"', '{"csrfToken": ["secret"]}'):
            try:
                understand(Answer(500, text))
            except UnexpectedAnswer as error:
                assert "secret" not in error.message
            else:
                raise AssertionError(text)


def test_an_emoji_is_one_character_however_it_is_written():
    session = {"user": {"name": "\U0001f600 \u00e9", "tags": ["\U0001f600"]}, "\U0001f600": "a\U0001f600b"}
    for written in (
        '{"user":{"name":"\U0001f600 \u00e9","tags":["\U0001f600"]},"\U0001f600":"a\U0001f600b"}',
        '{"user":{"name":"\\ud83d\\ude00 \\u00e9","tags":["\\uD83D\\uDE00"]},"\\ud83d\\ude00":"a\\ud83d\\ude00b"}',
    ):
        assert protocol.understand_session(Answer(200, written)) == session


def test_half_an_emoji_becomes_a_sign_that_can_be_shown():
    for written, read in (
        ('["\\ud83d"]', ["\ufffd"]),
        ('["\\ude00\\ud83d"]', ["\ufffd\ufffd"]),
        ('["\\ud83d\\ud83d\\ude00"]', ["\ufffd\U0001f600"]),
        ('["\\ud83dx\\ude00"]', ["\ufffdx\ufffd"]),
        ('["\\\\ud83d"]', ["\\ud83d"]),
        ('[1, null, true, "\\ud83d\\ude00"]', [1, None, True, "\U0001f600"]),
    ):
        assert jsontext.parse_json(written) == read, written


def test_json_is_read_however_wide_and_refused_when_it_is_absurdly_deep():
    levels = 200
    for opening, closing in (("[", "]"), ('{"a":', "}"), ('[{"\\"":', "}]")):
        pairs = levels // len([char for char in opening if char in "[{"])
        jsontext.parse_json(opening * pairs + "1" + closing * pairs)
        raised(ValueError, jsontext.parse_json, opening * (pairs + 1) + "1" + closing * (pairs + 1))
        raised(ValueError, jsontext.parse_json, opening * 100000)
    wide = [[{}, '[{\\"[' * 9]] * 300
    assert jsontext.parse_json(json.dumps(wide)) == wide


# ── csrf and providers ───────────────────────────────────────────────────────────────────────────


def test_a_token_is_a_text():
    assert protocol.understand_csrf(answer({"csrfToken": "abc"})) == "abc"


def test_what_is_no_token_is_unexpected():
    for data in ({}, {"csrfToken": ""}, {"csrfToken": 1}, {"csrfToken": None}, [], None, "abc", 1):
        raised(UnexpectedAnswer, protocol.understand_csrf, answer(data))
    raised(UnexpectedAnswer, protocol.understand_csrf, answer({"csrfToken": "abc"}, 500))
    raised(UnexpectedAnswer, protocol.understand_csrf, Answer(200, '{"csrfToken": "abc"}', True))
    raised(UnexpectedAnswer, protocol.understand_csrf, Answer(200, ""))


def entry(id):
    return {"id": id, "name": "Name of " + id, "type": "oauth", "signinUrl": "s", "callbackUrl": "c"}


def test_a_provider_has_five_texts():
    found = protocol.understand_providers(answer({"google": entry("google")}))
    assert found["google"] == AuthProvider("google", "Name of google", "oauth", "s", "c")


def test_providers_stand_in_the_backends_order():
    ids = [
        "zeta",
        "alpha",
        "a/b",
        "\u00e9\u4e2d",
        "\U0001f600",
        'quo"te',
        "back\\slash",
        "id",
        "name",
        "{",
        "]",
        "10",
        "9",
    ]
    for separator in (":", ": "):
        for escaped in (False, True):
            parts = []
            for id in ids:
                key = json.dumps(id)
                if escaped:
                    key = key.replace("\U0001f600", "\\ud83d\\ude00").replace("/", "\\/").replace("\u00e9", "\\u00e9")
                # A name that holds what looks like another provider.
                name = json.dumps('"id":"zeta",{[' + id)
                parts.append(
                    f'{key}{separator}{{"name"{separator}{name},"id"{separator}{key},"style":{{"id":"zeta","a":[1,"b"]}}}}'
                )
            found = protocol.understand_providers(Answer(200, "{" + ",".join(parts) + "}"))
            assert list(found) == ids
            assert [each.id for each in found.values()] == ids


def test_what_a_provider_leaves_out_is_an_empty_text():
    found = protocol.understand_providers(answer({"x": {"name": None}}))
    assert found["x"] == AuthProvider("x", "", "", "", "")


def test_no_providers_are_no_providers():
    assert dict(protocol.understand_providers(Answer(200, "{}"))) == {}


def test_what_are_no_providers_is_unexpected():
    for data in ([], None, "x", {"google": "x"}, {"google": None}, {"google": []}):
        raised(UnexpectedAnswer, protocol.understand_providers, answer(data))
    raised(UnexpectedAnswer, protocol.understand_providers, answer({"google": entry("google")}, 500))


# ── signing in and out ───────────────────────────────────────────────────────────────────────────


def at(page):
    return lambda url: resolve(url, page)


def signed_in(url, status=200, callback=PAGE):
    return protocol.understand_sign_in(answer({"url": url}, status), at("https://site.example/form"), callback)


def test_a_url_without_an_error_is_a_success():
    url, result = signed_in(PAGE)
    assert url == result.url == PAGE
    assert result.ok and result.error is None and result.code is None and result.status == 200


def test_an_error_in_the_url_is_the_result_whatever_the_status():
    for status in (200, 401):
        url, result = signed_in(BASE + "/error?error=CredentialsSignin&provider=credentials", status)
        assert url == BASE + "/error?error=CredentialsSignin&provider=credentials"
        assert not result.ok
        assert (result.error, result.status, result.url, result.code) == ("CredentialsSignin", status, None, None)


def test_the_code_says_why():
    _, result = signed_in(BASE + "/signin?error=CredentialsSignin&code=locked_out")
    assert (result.error, result.code) == ("CredentialsSignin", "locked_out")


def test_a_code_of_ones_own_is_decoded():
    _, result = signed_in(BASE + "/error?error=Custom%20failure+%C3%A9")
    assert result.error == "Custom failure \u00e9"


def test_errors_are_found_on_pages_of_the_sites_own():
    for url in ("/login?error=AccessDenied", "https://site.example/login?x=1&error=AccessDenied#h"):
        assert signed_in(url)[1].error == "AccessDenied"


def test_an_error_without_a_name_is_one():
    assert signed_in("/x?error=")[1].error == "Default"
    assert signed_in("/x#?error=A")[1].ok


def test_an_error_that_the_way_back_itself_holds_is_none():
    callback = "https://site.example/page?error=OAuthCallback"
    assert signed_in(callback, 200, callback)[1].ok
    assert not signed_in(callback, 401, callback)[1].ok
    assert signed_in("https://site.example/page?error=AccessDenied", 200, callback)[1].error == "AccessDenied"


def test_a_refused_status_without_a_reason_is_still_no_success():
    for status in (400, 401, 500):
        _, result = signed_in(PAGE, status)
        assert not result.ok
        assert result.error == "Callback"


def test_a_refused_token_is_found_in_both_spellings():
    for url in (BASE + "/signin?csrf=true", BASE + "/signout?csrf=true", BASE + "/signin?error=MissingCSRF"):
        assert signed_in(url)[1].error == "MissingCSRF"
        assert protocol.is_csrf_refusal(answer({"url": url}))
    for url in (PAGE, PAGE + "?csrf=true", BASE + "/signin", BASE + "/signin?csrf=false", BASE + "/error?error=X"):
        assert signed_in(url)[1].error != "MissingCSRF"
        assert not protocol.is_csrf_refusal(answer({"url": url}))


def test_an_update_is_refused_by_its_status():
    for text in ("{}", "null", "[object Object]", "Error: no", "", '"Bad request."'):
        assert protocol.is_update_refusal(Answer(400, text))
        assert not protocol.is_csrf_refusal(Answer(400, text)), "of a form it says nothing about the token"
    for text in ("{}", "null", '{"user": {}}'):
        assert not protocol.is_update_refusal(Answer(200, text))
    assert not protocol.is_update_refusal(Answer(500, "oops"))


def test_parameters_are_written_as_javascript_writes_them():
    assert sorted(protocol.pinned_and_free({"a": True, "b": 5})[1]) == [("a", "true"), ("b", "5")]
    assert protocol.pinned_and_free({"login_hint": None}) == ([], [])
    raised(TypeError, lambda: protocol.pinned_and_free({"acr_values": ["a", "b"]}))


def test_what_json_cannot_say_is_refused_before_it_is_sent():
    jsontext.check_plain({"a": [1, 2.5, None, True, ("x", {})]})
    for data in ({1, 2}, b"x", {"a": object()}, {1: "a"}, [{"b": {3}}]):
        raised(TypeError, lambda data=data: jsontext.check_plain(data))
    for data in (float("nan"), [float("inf")], {"a": float("-inf")}):
        raised(ValueError, lambda data=data: jsontext.check_plain(data))


def test_the_error_of_a_failed_redirect_is_read_from_the_pages_url():
    assert protocol.error_in_page("https://a.example/p?x=1&error=AccessDenied#top") == "AccessDenied"
    assert protocol.error_in_page("https://a.example/p?x=1#error=no") is None


def test_what_is_said_about_a_request_holds_no_query_and_no_body():
    request = Request("POST", BASE + "/signin/google?id_token_hint=secret", {}, "password=secret")
    assert "secret" not in repr(request)
    assert request.address == BASE + "/signin/google"


def test_a_relative_url_is_resolved_on_the_page():
    assert signed_in("/custom-page")[1].url == "https://site.example/custom-page"
    assert signed_in("custom")[1].url == "https://site.example/custom"


def test_a_url_that_a_page_must_not_go_to_is_refused():
    for url in ("javascript:alert(1)", "JaVa\tscript:alert(1)", "data:text/html,x", "//"):
        raised(UnsafeURL, signed_in, url)
        raised(UnsafeURL, protocol.understand_sign_out, answer({"url": url}), at(PAGE), PAGE)


def test_an_answer_to_a_sign_out_that_names_no_url_says_nothing():
    for text in (
        "{}",
        "null",
        "",
        " {} ",
        '{"success": true}',
        "true",
        "[]",
        "OK",
        '{"url": null}',
        '{"url": ""}',
        "<p>",
    ):
        assert protocol.understand_sign_out(Answer(200, text), at(PAGE), PAGE) is None


def test_a_request_can_be_spelt_with_and_without_a_slash_at_the_end():
    for one, other in ((PAGE, PAGE + "/"), ("https://x/a?b=c/", "https://x/a/?b=c/"), ("https://x/a/", "https://x/a")):
        assert Request("GET", one).with_other_slash().url == other
    request = Request("POST", "https://x/a", {"H": "1"}, "body").with_other_slash()
    assert (request.method, request.headers, request.body) == ("POST", {"H": "1"}, "body")


def test_the_backends_own_pages_are_known_by_their_path():
    for address in ("https://x/api/auth", "https://x/api/auth/signin?a=b", "https://X/api/auth/error"):
        assert protocol.is_at_backend(address, "https://x/api/auth")
    for address in ("https://x/api/authors", "https://x/", "https://y/api/auth/signin", "about:blank"):
        assert not protocol.is_at_backend(address, "https://x/api/auth")


def test_no_url_is_unexpected():
    for data in ({"url": ""}, {"url": None}, {"url": 1}, {"url": ["x"]}, [], "https://site.example"):
        raised(UnexpectedAnswer, protocol.understand_sign_in, answer(data), at(PAGE), PAGE)
        raised(UnexpectedAnswer, protocol.understand_sign_out, answer(data, 500), at(PAGE), PAGE)
    raised(UnexpectedAnswer, protocol.understand_sign_in, answer({}), at(PAGE), PAGE)
    raised(UnexpectedAnswer, protocol.understand_sign_out, answer({}, 500), at(PAGE), PAGE)
    raised(UnexpectedAnswer, protocol.understand_sign_out, Answer(200, "{}", True), at(PAGE), PAGE)
    raised(UnexpectedAnswer, protocol.understand_sign_in, Answer(500, "Internal Server Error"), at(PAGE), PAGE)
    raised(UnexpectedAnswer, protocol.understand_sign_in, Answer(200, "<html>", True), at(PAGE), PAGE)


def signed_out(url, status=200, callback=PAGE):
    return protocol.understand_sign_out(answer({"url": url}, status), at("https://site.example/"), callback).url


def test_signing_out_gives_the_validated_url():
    assert signed_out(PAGE) == PAGE
    assert signed_out("https://site.example") == "https://site.example"
    assert signed_out("/bye") == "https://site.example/bye"


def test_a_refused_sign_out_is_none():
    assert "Configuration" in raised(UnexpectedAnswer, signed_out, BASE + "/error?error=Configuration").message


def test_a_page_with_an_error_can_be_where_one_signs_out():
    page = PAGE + "?error=AccessDenied"
    assert signed_out(page, 200, page) == page


def test_a_refused_status_is_no_sign_out():
    assert "status 500" in raised(UnexpectedAnswer, signed_out, PAGE, 500).message
