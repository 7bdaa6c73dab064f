"""The /api/auth wire as values in and values out, with no I/O: requests to send, and answers understood.

One code path for NextAuth.js v3, v4 and Auth.js v5 (PROTOCOL.md, "What a client must handle"): every POST asks for
JSON in both ways the three know, and the outcome is read from the *returned URL*, never from the status alone.
The wire's own names (`callbackUrl`, `csrfToken`) appear in this module only.
"""

import json
from collections import OrderedDict

from .errors import NextAuthError, UnexpectedAnswer
from .host import Request
from .jsontext import keys_in_order, parse_json
from .session import AuthProvider, SignInResult, SignOutResult, is_session
from .urls import parse_query, query_of, quote, split, urlencode, without_query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .host import Answer

    Resolve = Callable[[str], str]  # a URL as the page understands it, absolute; raises `UnsafeURL`

BASE_PATH = "/api/auth"  # where a backend stands unless it says otherwise
JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"

# Always the server's (S18): v3 lets a query override `state`, v4 and v5 `client_id` and `redirect_uri`.
# A request object (`request`, `request_uri`) would replace all of them.
PINNED_PARAMETERS = (
    "redirect_uri",
    "scope",
    "state",
    "client_id",
    "response_type",
    "nonce",
    "request",
    "request_uri",
)


# ── session ──────────────────────────────────────────────────────────────────────────────────────


def session_request(base: str) -> Request:
    """`GET {base}/session`. Source: the reference's getSession."""
    return Request("GET", base + "/session", {"Accept": JSON_TYPE})


def understand_session(answer: "Answer") -> "Optional[dict[str, Any]]":
    """A session as plain data, or `None` when the backend says that nobody is signed in (`{}` or `null`).

    Raises `UnexpectedAnswer` for everything that leaves unknown who is signed in (row "GET session …": 5xx, HTML,
    bad JSON, an empty body, a redirect), and for JSON that is no session: it has a `user` object, or an `expires` that
    can be read, as every session of the three has.
    """
    data = _json_of(answer, "session")
    if answer.status != 200:
        raise _unexpected("session", f"status {answer.status}")
    if data is None or data == {}:
        return None
    if not isinstance(data, dict):
        raise _unexpected("session", "JSON that is not an object")
    if not is_session(data):
        raise _unexpected("session", "JSON with neither a user nor a time at which it expires")
    return data


def update_request(base: str, csrf_token: str, data: "Any") -> Request:
    """`POST {base}/session` (v4, v5): `data` reaches the backend's jwt callback. It is plain (`check_plain`)."""
    body = json.dumps({"csrfToken": csrf_token, "data": data})
    return Request("POST", base + "/session", {"Accept": JSON_TYPE, "Content-Type": JSON_TYPE}, body)


# ── csrf and providers ───────────────────────────────────────────────────────────────────────────


def csrf_request(base: str) -> Request:
    """`GET {base}/csrf`. Source: the reference's getCsrfToken."""
    return Request("GET", base + "/csrf", {"Accept": JSON_TYPE})


def understand_csrf(answer: "Answer") -> str:
    """The CSRF token. Raises `UnexpectedAnswer`."""
    data = _json_of(answer, "csrf")
    token = data.get("csrfToken") if isinstance(data, dict) else None
    if answer.status != 200 or not isinstance(token, str) or not token:
        raise _unexpected("csrf", f"status {answer.status} and no csrfToken")
    return token


def providers_request(base: str) -> Request:
    """`GET {base}/providers`. Source: the reference's getProviders."""
    return Request("GET", base + "/providers", {"Accept": JSON_TYPE})


def understand_providers(answer: "Answer") -> "dict[str, AuthProvider]":
    """The configured providers by id, in the backend's order. Raises `UnexpectedAnswer`."""
    data = _json_of(answer, "providers")
    if answer.status != 200 or not isinstance(data, dict):
        raise _unexpected("providers", f"status {answer.status} and no object of providers")
    found: "OrderedDict[str, AuthProvider]" = OrderedDict()
    for key in keys_in_order(answer.text):
        entry = data.get(key)
        if not isinstance(entry, dict):
            raise _unexpected("providers", "a provider that is not an object")
        name, kind, signin_url, callback_url = [
            str(entry.get(name) or "") for name in ("name", "type", "signinUrl", "callbackUrl")
        ]
        needs_form = kind in ("credentials", "email")
        found[key] = AuthProvider(key, name, kind, signin_url, callback_url, needs_form)
    return found


# ── sign in ──────────────────────────────────────────────────────────────────────────────────────


def sign_in_page(base: str, callback_url: str, is_required: bool = False) -> str:
    """The backend's own page that offers all providers. `is_required`: it says that a page needs somebody signed in.

    Source: the reference's signIn.
    """
    pairs = [("error", "SessionRequired")] if is_required else []
    return base + "/signin?" + urlencode(pairs + [("callbackUrl", callback_url)])


def signs_in_at_once(provider: AuthProvider) -> bool:
    """Whether the POST itself signs in; with the others nobody is signed in before the person comes back."""
    return provider.type == "credentials"


def check_fields(provider: AuthProvider, fields: "dict[str, Any]") -> None:
    """Raises `ValueError` when the form lacks what this provider cannot do without."""
    email = fields.get("email")
    if provider.type == "email" and (not isinstance(email, str) or "@" not in email):
        raise ValueError("Signing in by e-mail needs email='name@example.org', an address with an @.")


def sign_in_request(
    base: str,
    provider: AuthProvider,
    csrf_token: str,
    callback_url: str,
    fields: "dict[str, Any]",
    authorization_params: "list[tuple[str, str]]",
) -> Request:
    """The POST that signs in with `provider`; `callback_url` is absolute.

    Source: the reference's signIn.
    """
    action = "callback" if provider.type == "credentials" else "signin"
    url = f"{base}/{action}/{quote(provider.id)}"
    if authorization_params:
        url += "?" + urlencode(authorization_params)
    return _form_request(url, csrf_token, callback_url, fields)


def pinned_and_free(params: "Any") -> "tuple[list[str], list[tuple[str, str]]]":
    """Authorization parameters (a mapping or a query string) in two parts: names that are the server's, pairs to send.

    Raises `TypeError` for anything else.
    """
    if params is None:
        pairs: "list[tuple[str, str]]" = []
    elif isinstance(params, str):
        pairs = parse_query(params[1:] if params.startswith("?") else params)
    elif hasattr(params, "items"):
        pairs = [(str(name), _field(value)) for name, value in params.items() if value is not None]
    else:
        raise TypeError("authorization_params is a mapping or a query string, such as {'prompt': 'login'}")
    pinned, free = [], []
    for name, value in pairs:
        if name in PINNED_PARAMETERS or name.startswith("code_challenge"):
            pinned.append(name)
        else:
            free.append((name, value))
    return pinned, free


def understand_sign_in(answer: "Answer", resolve: "Resolve", callback_url: str) -> "tuple[str, SignInResult]":
    """Where the backend sends the person, as the page resolves it (v3 can answer a relative URL), and the result.

    `callback_url` is as `resolve` writes it.

    A refused CSRF token is the result with `error="MissingCSRF"`, however the backend put it. Raises
    `UnexpectedAnswer` when the answer holds no URL, `UnsafeURL` when a page must not go there.
    """
    url = _url_of(answer, "sign-in", resolve)
    code = query_of(url).get("code")
    error = None if url == callback_url and answer.status < 400 else _error_in(url)
    if error is None and answer.status < 400:
        page = "verify-request" if split(url)[1].endswith("/verify-request") else None
        return url, SignInResult(status=answer.status, url=url, page=page)
    return url, SignInResult(error or "Callback", answer.status, ok=False, code=code)


# ── sign out ─────────────────────────────────────────────────────────────────────────────────────


def sign_out_request(base: str, csrf_token: str, callback_url: str) -> Request:
    """The POST that signs out. Source: the reference's signOut."""
    return _form_request(base + "/signout", csrf_token, callback_url, {})


def understand_sign_out(answer: "Answer", resolve: "Resolve", callback_url: str) -> "Optional[SignOutResult]":
    """The result, or `None` when the answer does not say. Raises as `understand_sign_in`, and for a refusal.

    Backends that speak the protocol loosely name no URL, as in `200 {}`: the session tells whether that was a sign-out.
    """
    if answer.status < 300 and not answer.redirected and _named_url(answer) is None:
        return None
    url = _url_of(answer, "sign-out", resolve)
    if url != callback_url or answer.status >= 400:
        error = _error_in(url)
        if error is not None:
            raise UnexpectedAnswer(f"The backend refused to sign out ({error}). Look into its log.")
        if answer.status >= 400:
            raise _unexpected("sign-out", f"status {answer.status}")
    return SignOutResult(url)


def is_csrf_refusal(answer: "Answer") -> bool:
    """Whether a form was refused for its CSRF token (rows "Bad/missing CSRF", "Bad CSRF, signout")."""
    url = _named_url(answer)
    return url is not None and _error_in(url) == "MissingCSRF"


def is_update_refusal(answer: "Answer") -> bool:
    """Whether an update was refused for its CSRF token (row "update"): v4 may add a text, `{}` or `[object Object]`."""
    return answer.status == 400 and not is_unknown_action(answer)


def understand_update(answer: "Answer") -> "Optional[dict[str, Any]]":
    """The new session, as `understand_session`; raises `UnexpectedAnswer` for a backend that has no update, too."""
    if is_unknown_action(answer):
        raise UnexpectedAnswer("This backend cannot update a session: NextAuth.js v4 and Auth.js v5 can, v3 cannot.")
    return understand_session(answer)


def is_unknown_action(answer: "Answer") -> bool:
    """Whether the backend does not know what was asked of it (rows "POST /session" of v3, "Unknown action")."""
    return answer.status == 400 and "is not supported by NextAuth.js" in answer.text


def understand_popup(address: str, callback_url: str) -> "Optional[SignInResult]":
    """The result that the address of a sign-in's own window tells, or `None`.

    It is over with an error, where it was to end, or on the home page (row "callbackUrl").
    """
    origin, path, _, _ = split(address)
    query = query_of(address)
    if address.partition("#")[0] == callback_url.partition("#")[0]:
        return SignInResult(url=address)
    if "error" in query:
        return SignInResult(query["error"] or "Default", ok=False, code=query.get("code"))
    if origin == split(callback_url)[0] and path in ("", "/"):
        return SignInResult(url=address)
    return None


def is_at_backend(address: str, base: str) -> bool:
    """Whether a page is one of the backend's own."""
    origin, path, _, _ = split(address)
    backend, backend_path, _, _ = split(base)
    return origin == backend and (path == backend_path or path.startswith(backend_path + "/"))


def error_in_page(page_url: str) -> "Optional[str]":
    """The error code that a failed redirect has put into the page's URL (row "OAuth failures"); `None` without one."""
    return query_of(page_url).get("error")


def without_error(page_url: str) -> str:
    """The page's URL without what a failed sign-in has put into it, or it would be read as a failure of the next."""
    return page_url if error_in_page(page_url) is None else without_query(page_url, ("error", "code"))


# ── what they share ──────────────────────────────────────────────────────────────────────────────


def _form_request(url: str, csrf_token: str, callback_url: str, fields: "dict[str, Any]") -> Request:
    own = [("csrfToken", csrf_token), ("callbackUrl", callback_url), ("json", "true")]
    taken = [name for name, _ in own]
    pairs = [(name, _field(value)) for name, value in fields.items() if value is not None and name not in taken]
    # v3 and v4 answer JSON to the field `json=true`, v5 to this header (row "Ask for JSON").
    headers = {"Accept": JSON_TYPE, "Content-Type": FORM_TYPE, "X-Auth-Return-Redirect": "1"}
    return Request("POST", url, headers, urlencode(pairs + own))


def _field(value: "Any") -> str:
    """A form field or parameter as the JavaScript client writes it. Raises `TypeError` for what is no single value."""
    if isinstance(value, (dict, list, tuple, set)):
        raise TypeError(f"a form field or parameter is one text, not {type(value).__name__}: join it to a text first")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _json_of(answer: "Answer", what: str) -> "Any":
    if answer.redirected:
        raise _unexpected(what, "a redirect, with and without a slash at the end of its path")
    if not answer.text.strip():
        raise _unexpected(what, f"status {answer.status} and an empty body")
    try:
        return parse_json(answer.text)
    except ValueError:
        start = answer.text.lstrip()[:1]
        raise _unexpected(what, f"status {answer.status} and {'HTML' if start == '<' else 'a body that is not JSON'}")


def _named_url(answer: "Answer") -> "Optional[str]":
    try:
        data = parse_json(answer.text)
    except ValueError:
        return None
    url = data.get("url") if isinstance(data, dict) else None
    return url if isinstance(url, str) and url else None


def _url_of(answer: "Answer", what: str, resolve: "Resolve") -> str:
    _json_of(answer, what)
    url = _named_url(answer)
    if url is None:
        raise _unexpected(what, f"status {answer.status} and no url")
    return resolve(url)


def _error_in(url: str) -> "Optional[str]":
    """The error code that a returned URL carries, or `None`."""
    query = query_of(url)
    if "error" in query:
        return query["error"] or "Default"  # v3 puts the message of what `authorize` threw there, and it may be empty
    path = split(url)[1]
    if query.get("csrf") == "true" and (path.endswith("/signin") or path.endswith("/signout")):
        return "MissingCSRF"  # v3 and v4 name no error there
    return None


def _unexpected(what: str, found: str) -> NextAuthError:
    return UnexpectedAnswer(
        f"The backend answered the {what} request with {found}. Check base_url and base_path, and the backend's log."
    )
