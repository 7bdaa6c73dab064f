"""The wire: what is sent, and what real backends answered.

`transcripts` holds, one file a backend, the answers of real NextAuth.js 3 and 4 and Auth.js 5 servers to requests
that a client makes, and where they sent a browser that came back from a mail or an identity provider. What each means
is written down here by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nextauth_client import protocol
from nextauth_client.errors import NextAuthError, UnexpectedAnswer, is_error_code
from nextauth_client.host import Answer
from nextauth_client.urls import resolve

from tests.unit.both import in_both_interpreters

test_behaviour = in_both_interpreters("protocol")

TRANSCRIPTS = Path(__file__).with_name("transcripts")

# Where each backend was. A page at its root asked.
ORIGINS = {
    "v3": "http://127.0.0.1:4300",
    "v3-db": "http://127.0.0.1:4331",
    "v3-expiry": "http://127.0.0.1:4310",
    "v3-https": "https://app.example.com",
    "v3-next12-typeorm-sqlite": "http://127.0.0.1:4330",
    "v4": "http://127.0.0.1:4400",
    "v4-db": "http://127.0.0.1:4401",
    "v4-expiry": "http://127.0.0.1:4410",
    "v4-https": "https://app.example.com",
    "v4-next16-approuter": "http://127.0.0.1:4401",
    "v5": "http://127.0.0.1:4501",
    "v5-db": "http://127.0.0.1:4502",
    "v5-expiry": "http://127.0.0.1:4510",
    "v5-express-basepath-auth": "http://127.0.0.1:4502",
    "v5-https": "https://127.0.0.1:4501",
    "v5-next16": "http://localhost:4301",
}

REFUSED = "refused"  # the CSRF token
NO_SUCH_ACTION = "unknown action"

# What the answer to an exchange, and a step of it, means: for every backend, or by version, or by backend.
Meaning = str | dict[str, str]
WITHOUT_COOKIES = {"v3": "at error OAuthCallback", "v4": "at error OAuthCallback", "v5": "at error Configuration"}
MEANINGS: dict[tuple[str, int], Meaning] = {
    ("session-unauthenticated", 0): "nobody",
    ("session-authenticated", 1): "J Smith <jsmith@example.com>",
    ("session-authenticated-again-rolling", 0): "J Smith <jsmith@example.com>",
    ("session-if-none-match", 0): "J Smith <jsmith@example.com>",
    ("session-garbage-cookie", 0): "nobody",
    ("session-tampered-cookie", 0): "nobody",
    ("session-chunked-cookie", 0): "ok ",
    ("session-chunked-cookie", 1): "BBBBBBBBBBBBBBBBBBBB <big@example.com>",
    ("cors", 0): "J Smith <jsmith@example.com>",
    ("callbackurl-bad-cookie", 0): {
        "v3": "unknown: a redirect",
        "v4": "unknown: status 500",
        "v5": "unknown: status 500",
    },
    # The expiry of the session lies 2 s ahead; by the last two steps v5 had let it end, v3 and v4 allow more.
    ("expiry-maxage-2s", 0): "ok /",
    ("expiry-maxage-2s", 1): "J Smith <jsmith@example.com>",
    ("expiry-maxage-2s", 2): "J Smith <jsmith@example.com>",
    ("expiry-maxage-2s", 3): "J Smith <jsmith@example.com>",
    ("expiry-maxage-2s", 4): {
        "v3": "J Smith <jsmith@example.com>",
        "v4": "J Smith <jsmith@example.com>",
        "v5": "nobody",
    },
    ("expiry-maxage-2s", 5): {"v3": "J Smith <jsmith@example.com>", "v4": "nobody", "v5": "nobody"},
    ("csrf", 0): "a token",
    ("csrf", 1): "a token",
    ("csrf", 2): "a token",
    ("https-cookies", 0): "a token",
    ("https-then-http", 0): "a token",
    ("providers", 0): {
        "v3": "credentials=credentials email=email oidc=oauth oidcstate=oauth",
        "v4": "credentials=credentials email=email oidc=oauth oidcstate=oauth",
        "v5": "credentials=credentials email=email oidc=oidc oidcstate=oidc",
    },
    ("https-cookies", 1): {
        "v3": "credentials=credentials email=email oidc=oauth oidcstate=oauth",
        "v4": "credentials=credentials email=email oidc=oauth oidcstate=oauth",
        "v5": "credentials=credentials email=email oidc=oidc oidcstate=oidc",
    },
    # Credentials.
    ("credentials-success-returnjson", 0): "ok /after",
    ("session-authenticated", 0): "ok /",
    ("https-cookies", 2): "ok /y",
    ("https-cookies", 3): "J Smith <jsmith@example.com>",
    ("return-json-signals", 0): "ok /after",
    ("return-json-signals", 1): "ok /after",
    ("return-json-signals", 2): "ok /after",
    ("return-json-signals", 3): {
        "v3": "error CredentialsSignin",
        "v4": "error CredentialsSignin",
        "v5": "error CredentialsSignin (credentials)",
    },
    ("credentials-wrong-password-returnjson", 0): {
        "v3": "error CredentialsSignin",
        "v4": "error CredentialsSignin",
        "v5": "error CredentialsSignin (credentials)",
    },
    ("credentials-custom-code-returnjson", 0): "error CredentialsSignin (locked_out)",
    ("credentials-authorize-throws-returnjson", 0): {
        "v3": "error Custom failure",
        "v4": "error Custom failure",
        "v5": "error Configuration",
    },
    ("credentials-reject-url-returnjson", 0): "ok /custom-page",
    ("credentials-missing-csrf-returnjson", 0): REFUSED,
    ("credentials-bad-csrf-returnjson", 0): REFUSED,
    ("credentials-no-csrf-cookie", 0): REFUSED,
    ("callback-unknown-provider", 0): {
        "v3": "unexpected: not JSON",
        "v4": "unexpected: not JSON",
        "v5": "error Configuration",
    },
    ("callbackurl-variants-credentials", 0): "ok /a/b?x=1&y=2",
    ("callbackurl-variants-credentials", 1): "ok /rel/path?x=1",
    ("callbackurl-variants-credentials", 2): {
        "v3": "unexpected: not JSON",
        "v4": "unexpected: not JSON",
        "v4-next16-approuter": "unexpected: empty body",
        "v5": "error Configuration",
    },
    ("callbackurl-variants-credentials", 3): "ok ",
    ("callbackurl-variants-credentials", 4): "ok //evil.example/x",
    ("callbackurl-variants-credentials", 5): "ok /page#frag",
    ("callbackurl-variants-credentials", 6): "ok ",
    ("callbackurl-variants-credentials", 7): "ok ",
    ("callbackurl-variants-credentials", 8): "ok ",
    ("callbackurl-query-and-cookie", 3): "ok /from-query",
    ("callbackurl-query-and-cookie", 4): "ok ",
    # E-mail.
    ("email-signin-ok-returnjson", 0): "ok mail",
    ("email-signin-bad-csrf", 0): REFUSED,
    ("email-signin-invalid", 0): {"v3": "error EmailSignin", "v4": "error EmailSignin", "v5": "error Configuration"},
    ("email-signin-invalid", 1): {
        "v3": "unexpected: not JSON",
        "v4": "error EmailSignin",
        "v5": "error Configuration",
    },
    ("email-signin-invalid", 2): {"v3": "ok mail", "v4": "error EmailSignin", "v5": "error Configuration"},
    ("email-signin-invalid", 3): {"v3": "ok mail", "v4": "error EmailSignin", "v5": "error Configuration"},
    ("email-signin-invalid", 4): {"v3": "ok mail", "v4": "error EmailSignin", "v5": "error Configuration"},
    ("email-signin-invalid", 5): {"v3": "ok mail", "v4": "error EmailSignin", "v5": "ok mail"},
    ("email-magic-link-same-browser", 0): "at /after-mail",
    ("email-magic-link-same-browser", 1): "bob@example.com",
    ("email-magic-link-reused", 0): "at error Verification",
    ("email-magic-link-other-browser", 0): {"v3": "at ", "v4": "at /after-mail", "v5": "at /after-mail"},
    ("email-magic-link-bad-token", 0): "at error Verification",
    ("email-magic-link-bad-token", 1): {
        "v3": "at error Verification",
        "v4": "at error configuration",
        "v5": "at error Configuration",
    },
    # OAuth: the person goes to the identity provider, or never gets there.
    ("oidc-signin-returnjson", 0): "ok idp",
    ("oidc-signin-extra-authorization-params", 0): "ok idp",
    ("oidc-user-abort", 0): "ok idp",
    ("oidc-full-flow-oidc", 0): "ok idp",
    ("oidc-full-flow-oidcstate", 0): "ok idp",
    ("oidc-full-flow-account-not-linked", 0): "ok idp",
    ("https-cookies", 4): "ok idp",
    ("oidc-full-flow-oidc", 8): "at /after-oidc#h",
    ("oidc-full-flow-oidcstate", 8): "at /after-oidc#h",
    ("oidc-full-flow-account-not-linked", 8): "at error OAuthAccountNotLinked",
    ("oidc-user-abort", 5): {
        "v3": "at error Callback",
        "v4": "at error Callback",
        "v5": "at error OAuthCallbackError",
    },
    ("oidc-bogus-code", 0): {
        "v3": "at error Callback",
        "v4": "at error OAuthCallback",
        "v5": "at error Configuration",
    },
    ("oidc-callback-without-cookies-oidc", 0): WITHOUT_COOKIES,
    ("oidc-callback-without-cookies-oidcstate", 0): WITHOUT_COOKIES,
    ("oidc-callback-without-cookies-account-not-linked", 0): WITHOUT_COOKIES,
    ("oidc-full-flow-oidc", 9): "Name of alice <alice@idp.example>",
    ("oidc-full-flow-oidcstate", 9): "Name of carol <carol@idp.example>",
    ("oidc-full-flow-account-not-linked", 9): "nobody",
    ("oidc-signin-bad-csrf", 0): REFUSED,
    ("signin-unknown-provider", 0): {"v3": REFUSED, "v4": REFUSED, "v5": "error Configuration"},
    # Sign-out.
    ("signout-ok-returnjson", 0): "ok /bye",
    ("signout-ok-returnjson", 1): "nobody",
    ("signout-already-signed-out", 0): "ok /bye",
    ("signout-foreign-callbackurl", 0): "ok ",
    ("signout-bad-csrf", 0): REFUSED,
    ("signout-bad-csrf", 2): "J Smith <jsmith@example.com>",
    # Updates.
    ("session-update-post", 0): {
        "v3": NO_SUCH_ACTION,
        "v4": "Renamed <jsmith@example.com>",
        "v5": "Renamed <jsmith@example.com>",
    },
    ("session-update-post", 1): {
        "v3": "J Smith <jsmith@example.com>",
        "v4": "Renamed <jsmith@example.com>",
        "v5": "Renamed <jsmith@example.com>",
    },
    ("session-update-post", 3): {"v3": NO_SUCH_ACTION, "v4": REFUSED, "v5": REFUSED},
    ("session-update-post", 4): {"v3": NO_SUCH_ACTION, "v4": "nobody", "v5": "nobody"},
    # Sessions in a database.
    ("db-email-signin", 0): "ok mail",
    ("db-email-signin", 1): "at /x",
    ("db-session", 0): "dora@example.com",
    ("db-session", 1): "dora@example.com",
    ("db-session-update", 0): {"v3": NO_SUCH_ACTION, "v4": "dora@example.com", "v5": "dora@example.com"},
    ("db-credentials", 0): {"v3": "error Configuration", "v4": "ok ", "v5": "ok "},
    ("db-signout", 0): "ok ",
    ("db-signout", 1): "nobody",
}


def recorded() -> list[Any]:
    return [
        pytest.param(file.stem, exchange, id=f"{file.stem}-{exchange['name']}-{exchange['step']}")
        for file in sorted(TRANSCRIPTS.glob("*.json"))
        for exchange in json.loads(file.read_text())
    ]


def expected(backend: str, exchange: Any) -> str:
    meaning = MEANINGS[exchange["name"], exchange["step"]]
    if isinstance(meaning, str):
        return meaning
    return meaning[backend] if backend in meaning else meaning[backend[:2]]


def short(url: str, origin: str) -> str:
    """A URL as the table writes it."""
    if url.startswith("http://127.0.0.1:4000/auth?"):
        return "idp"
    if re.fullmatch(re.escape(origin) + r"(/api)?/auth/verify-request\?provider=email&type=email", url):
        return "mail"
    return url.removeprefix(origin)


def person(session: Any) -> str:
    if session is None:
        return "nobody"
    user = session["user"]
    return f"{user['name']} <{user['email']}>" if user.get("name") else str(user["email"])


def at(page: str) -> Callable[[str], str]:
    """Resolves as that page does."""
    return lambda url: resolve(url, page)


def arrived(address: str, origin: str) -> str:
    """What our code makes of the address where a browser ends, in the page itself and in a window of its own."""
    code = protocol.error_in_page(address)
    in_window = protocol.understand_popup(address, address if code is None else origin + "/after")
    assert in_window is not None, "the sign-in is over"
    assert in_window.error == code
    assert in_window.ok is (code is None)
    if code is None:
        return "at " + short(address, origin)
    assert is_error_code(code), "a page would say nothing"
    return f"at error {code}"


def understood(backend: str, exchange: Any) -> str:
    """What our code makes of the answer, as the table writes it."""
    origin = ORIGINS[backend]
    page = origin + "/"
    if "location" in exchange:
        return arrived(exchange["location"], origin)
    answer = Answer(exchange["status"], exchange["text"], exchange.get("redirected", False))
    method, path = exchange["request"].split()
    if path == "/session":
        if method == "POST" and protocol.is_unknown_action(answer):
            assert not protocol.is_update_refusal(answer), "another token would not help"
            return NO_SUCH_ACTION
        if method == "POST" and protocol.is_update_refusal(answer):
            return REFUSED
        try:
            return person(protocol.understand_session(answer))
        except UnexpectedAnswer as error:
            return "unknown: " + error.message
    if path == "/csrf":
        return "a token" if re.fullmatch("[0-9a-f]{64}", protocol.understand_csrf(answer)) else "no token"
    if path == "/providers":
        found = protocol.understand_providers(answer)
        assert [provider.id for provider in found.values()] == list(found)
        for provider in found.values():
            assert provider.name
            assert re.fullmatch(re.escape(origin) + rf"(/api)?/auth/signin/{provider.id}", provider.signin_url)
            assert re.fullmatch(re.escape(origin) + rf"(/api)?/auth/callback/{provider.id}", provider.callback_url)
        return " ".join(f"{id}={provider.type}" for id, provider in found.items())
    # What the client sends is absolute and never a `javascript:` one; these were sent by hand.
    sent = exchange.get("callbackUrl") or page
    callback = page if sent.startswith("javascript:") else resolve(sent, page)
    if path == "/signout":
        if protocol.is_csrf_refusal(answer):
            return REFUSED
        signed_out = protocol.understand_sign_out(answer, at(page), callback)
        assert signed_out is not None
        return "ok " + short(signed_out.url, origin)
    try:
        url, result = protocol.understand_sign_in(answer, at(page), callback)
    except UnexpectedAnswer as failure:
        return "unexpected: " + failure.message
    assert result.status == exchange["status"]
    assert protocol.is_csrf_refusal(answer) is (result.error == "MissingCSRF")
    if result.error == "MissingCSRF":
        assert not result.ok
        return REFUSED
    if result.ok:
        assert (result.url, result.error, result.code) == (url, None, None)
        return "ok " + short(url, origin)
    assert result.url is None
    return f"error {result.error}" + (f" ({result.code})" if result.code else "")


@pytest.mark.parametrize(("backend", "exchange"), recorded())
def test_a_recorded_answer_is_understood(backend: str, exchange: Any) -> None:
    kind, colon, detail = expected(backend, exchange).partition(": ")
    outcome = understood(backend, exchange)
    if colon:
        assert outcome.startswith(kind + ": ") and detail in outcome
    else:
        assert outcome == kind


def test_every_meaning_belongs_to_an_exchange() -> None:
    exchanges = {
        (exchange["name"], exchange["step"])
        for file in TRANSCRIPTS.glob("*.json")
        for exchange in json.loads(file.read_text())
    }
    assert set(MEANINGS) == exchanges
    assert {file.stem for file in TRANSCRIPTS.glob("*.json")} == set(ORIGINS)


# What a backend could answer that is worse than anything recorded.
texts = st.text(max_size=20) | st.sampled_from(["javascript:x", "//", "\ud800", "/x?error=\ud800", "/signin?csrf=true"])
data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["url", "user", "csrfToken", "id", "name", "error"]) | texts, inner, max_size=3
        )
    ),
    max_leaves=8,
)
bodies = data.map(json.dumps) | data.map(lambda value: json.dumps(value, ensure_ascii=False)) | st.text()
answers = st.builds(Answer, st.sampled_from([200, 204, 302, 400, 401, 404, 500]), bodies, st.booleans())


@settings(deadline=None, database=None, max_examples=200)
@given(answers)
def test_no_answer_raises_anything_but_our_own_errors(answer: Answer) -> None:
    page = "https://site.example/page"
    for understand in (
        protocol.understand_session,
        protocol.understand_csrf,
        protocol.understand_providers,
        lambda answer: protocol.understand_sign_in(answer, at(page), page),
        lambda answer: protocol.understand_sign_out(answer, at(page), page),
    ):
        try:
            understand(answer)
        except NextAuthError as error:
            error.message.encode()
    protocol.is_csrf_refusal(answer)
    protocol.is_update_refusal(answer)


def test_transcripts_are_small_and_plain() -> None:
    assert sum(file.stat().st_size for file in TRANSCRIPTS.glob("*")) < 300_000


def test_a_window_that_is_where_it_was_to_end_is_done_whatever_its_query_says() -> None:
    report = "https://example.org/report.html?error=42"
    assert protocol.understand_popup(report + "#part", report).ok  # type: ignore[union-attr]
    assert protocol.understand_popup("https://example.org/?error=42", report).error == "42"  # type: ignore[union-attr]
