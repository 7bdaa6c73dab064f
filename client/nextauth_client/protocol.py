"""The /api/auth wire as values in and values out, with no I/O: requests to send, and answers understood.

One code path for NextAuth.js v3, v4 and Auth.js v5 (PROTOCOL.md, "What a client must handle"): every POST asks for
JSON in both ways the three know, and the outcome is read from the *returned URL*, never from the status alone.
The wire's own names (`callbackUrl`, `csrfToken`) appear in this module only.
"""

import json
from collections import OrderedDict

from .errors import NextAuthError, UnexpectedAnswer
from .session import AuthProvider, SignInResult, SignOutResult
from .urls import parse_query, query_of, quote, resolve, split, urlencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
_DEEPEST = 200  # levels of JSON
_HIGH, _LOW, _PLANES = 0xD800, 0xDC00, 0x10000  # how UTF-16 writes a character above U+FFFF in two halves

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


class Request:
    """One request to the backend: `method`, absolute `url`, `headers`, and `body` (text or `None`)."""

    def __init__(
        self, method: str, url: str, headers: "Optional[dict[str, str]]" = None, body: "Optional[str]" = None
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers or {}
        self.body = body

    def __repr__(self) -> str:
        return f"Request({self.method} {self.address})"  # never the body: it may hold a password

    @property
    def address(self) -> str:
        """The URL for people's eyes: without its query, which may hold a token or an e-mail address."""
        return self.url.partition("?")[0]


class Answer:
    """What came back: `status`, `text`, whether `redirected`, and `date` (Unix seconds on the backend's clock)."""

    def __init__(self, status: int, text: str, redirected: bool = False, date: "Optional[float]" = None) -> None:
        self.status = status
        self.text = text
        self.redirected = redirected
        self.date = date


# ── session ──────────────────────────────────────────────────────────────────────────────────────


def session_request(base: str) -> Request:
    """`GET {base}/session` (S7)."""
    return Request("GET", base + "/session", {"Accept": JSON_TYPE})


def understand_session(answer: Answer) -> "Optional[dict[str, Any]]":
    """A session as plain data, or `None` when the backend says that nobody is signed in (`{}` or `null`).

    Raises `UnexpectedAnswer` for everything that leaves unknown who is signed in (row "GET session …": 5xx, HTML,
    bad JSON, an empty body, a redirect).
    """
    data = _json_of(answer, "session")
    if answer.status != 200:
        raise _unexpected("session", f"status {answer.status}")
    if data is None or data == {}:
        return None
    if not isinstance(data, dict):
        raise _unexpected("session", "JSON that is not an object")
    if not isinstance(data.get("user", {}), dict):
        raise _unexpected("session", "a user that is not an object")
    return data


def update_request(base: str, csrf_token: str, data: "Any") -> Request:
    """`POST {base}/session` (v4, v5): `data` reaches the backend's jwt callback. It is plain (`check_plain`)."""
    body = json.dumps({"csrfToken": csrf_token, "data": data})
    return Request("POST", base + "/session", {"Accept": JSON_TYPE, "Content-Type": JSON_TYPE}, body)


def check_plain(data: "Any") -> None:
    """Raises `TypeError` or `ValueError` for what JSON cannot say: json itself says it too late, or writes nonsense."""
    if isinstance(data, dict):
        for key, value in data.items():
            if not isinstance(key, str):
                raise TypeError(f"a key of JSON is a text, not {key!r}")
            check_plain(value)
    elif isinstance(data, (list, tuple)):
        for value in data:
            check_plain(value)
    elif isinstance(data, float) and (data != data or data in (float("inf"), float("-inf"))):
        raise ValueError(f"JSON has no {data!r}")
    elif not (data is None or isinstance(data, (str, bool, int, float))):
        raise TypeError(f"plain data is wanted (dict, list, text, number, None), not {type(data).__name__}")


# ── csrf and providers ───────────────────────────────────────────────────────────────────────────


def csrf_request(base: str) -> Request:
    """`GET {base}/csrf` (S9)."""
    return Request("GET", base + "/csrf", {"Accept": JSON_TYPE})


def understand_csrf(answer: Answer) -> str:
    """The CSRF token. Raises `UnexpectedAnswer`."""
    data = _json_of(answer, "csrf")
    token = data.get("csrfToken") if isinstance(data, dict) else None
    if answer.status != 200 or not isinstance(token, str) or not token:
        raise _unexpected("csrf", f"status {answer.status} and no csrfToken")
    return token


def providers_request(base: str) -> Request:
    """`GET {base}/providers` (S10)."""
    return Request("GET", base + "/providers", {"Accept": JSON_TYPE})


def understand_providers(answer: Answer) -> "dict[str, AuthProvider]":
    """The configured providers by id, in the backend's order. Raises `UnexpectedAnswer`."""
    data = _json_of(answer, "providers")
    if answer.status != 200 or not isinstance(data, dict):
        raise _unexpected("providers", f"status {answer.status} and no object of providers")
    found: "OrderedDict[str, AuthProvider]" = OrderedDict()
    for key in _keys_in_order(answer.text):
        entry = data.get(key)
        if not isinstance(entry, dict):
            raise _unexpected("providers", "a provider that is not an object")
        texts = [str(entry.get(name) or "") for name in ("name", "type", "signinUrl", "callbackUrl")]
        found[key] = AuthProvider(key, *texts)
    return found


def _keys_in_order(text: str) -> "list[str]":
    """The keys of a JSON object of objects as its text has them: MicroPython's dicts do not keep order."""
    keys = []
    depth, start, escaped = 0, -1, False
    for i, char in enumerate(text):
        if start >= 0:  # inside a string
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                if depth == 1:
                    keys.append(parse_json(text[start : i + 1]))
                start = -1
        elif char == '"':
            start = i
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
    return keys


# ── sign in ──────────────────────────────────────────────────────────────────────────────────────


def sign_in_page(base: str, callback_url: str, error: "Optional[str]" = None) -> str:
    """The backend's own page that offers all providers (S11); it explains the code `error`."""
    pairs = [] if error is None else [("error", error)]
    return base + "/signin?" + urlencode(pairs + [("callbackUrl", callback_url)])


def sign_in_request(
    base: str,
    provider: AuthProvider,
    csrf_token: str,
    callback_url: str,
    fields: "dict[str, Any]",
    authorization_params: "list[tuple[str, str]]",
) -> Request:
    """The POST that signs in with `provider` (S12, S13, S18, S19); `callback_url` is absolute."""
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


def understand_sign_in(answer: Answer, page_url: str, callback_url: str) -> "tuple[str, SignInResult]":
    """Where the backend sends the person, resolved against the page (v3 can answer a relative URL), and the result.

    A refused CSRF token is the result with `error="MissingCSRF"`, however the backend put it. Raises
    `UnexpectedAnswer` when the answer holds no URL, `UnsafeURL` when a page must not go there.
    """
    url = _url_of(answer, "sign-in", page_url)
    code = query_of(url).get("code")
    error = None if url == callback_url and answer.status < 400 else _error_in(url)
    if error is None and answer.status < 400:
        return url, SignInResult(None, answer.status, True, url, None)
    return url, SignInResult(error or "Callback", answer.status, False, None, code)


# ── sign out ─────────────────────────────────────────────────────────────────────────────────────


def sign_out_request(base: str, csrf_token: str, callback_url: str) -> Request:
    """The POST that signs out (S21, S22)."""
    return _form_request(base + "/signout", csrf_token, callback_url, {})


def understand_sign_out(answer: Answer, page_url: str, callback_url: str) -> "tuple[Optional[str], SignOutResult]":
    """An error code or `None`, and the result. Raises as `understand_sign_in`."""
    url = _url_of(answer, "sign-out", page_url)
    if url == callback_url and answer.status < 400:
        return None, SignOutResult(url)
    error = _error_in(url)
    if error is None and answer.status >= 400:
        raise _unexpected("sign-out", f"status {answer.status}")
    return error, SignOutResult(url)


def is_csrf_refusal(answer: Answer) -> bool:
    """Whether a form was refused for its CSRF token (rows "Bad/missing CSRF", "Bad CSRF, signout")."""
    try:
        data = parse_json(answer.text)
    except ValueError:
        data = None
    url = data.get("url") if isinstance(data, dict) else None
    return isinstance(url, str) and _error_in(url) == "MissingCSRF"


def is_update_refusal(answer: Answer) -> bool:
    """Whether an update was refused for its CSRF token (row "update"): v4 may add a text, `{}` or `[object Object]`."""
    return answer.status == 400 and not is_unknown_action(answer)


def is_unknown_action(answer: Answer) -> bool:
    """Whether the backend does not know what was asked of it (rows "POST /session" of v3, "Unknown action")."""
    return answer.status == 400 and "is not supported by NextAuth.js" in answer.text


def understand_popup(address: str, callback_url: str) -> "Optional[SignInResult]":
    """The result that the address of a sign-in's own window tells; `None` while the sign-in goes on there.

    It is over with an error, where it was to end, or on the home page (row "callbackUrl").
    """
    origin, path, _, _ = split(address)
    query = query_of(address)
    if "error" in query:
        return SignInResult(query["error"] or "Default", 200, False, None, query.get("code"))
    at_home = origin == split(callback_url)[0] and path in ("", "/")
    if at_home or address.partition("#")[0] == callback_url.partition("#")[0]:
        return SignInResult(None, 200, True, address, None)
    return None


def error_in_page(page_url: str) -> "Optional[str]":
    """The error code that a failed redirect has put into the page's URL (row "OAuth failures"); `None` without one."""
    return query_of(page_url).get("error")


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


def parse_json(text: str) -> "Any":
    """The value of a JSON text, in which every string can be written as UTF-8. Raises `ValueError`.

    MicroPython reads an emoji that is escaped (as two halves) as two characters that no page can show; and half of one
    is no character anywhere.
    """
    if _is_deeper_than(_DEEPEST, text):
        raise ValueError("JSON nested too deep")
    data = json.loads(text)
    return _with_whole_characters(data) if "\\ud" in text or "\\uD" in text else data


def _is_deeper_than(most: int, text: str) -> bool:
    """Found before it is read: some thousand levels end Pyodide for good, with no exception to catch."""
    if text.count("[") + text.count("{") <= most:
        return False
    depth = 0
    in_string = False
    for part in text.split('"'):
        if in_string:
            in_string = (len(part) - len(part.rstrip("\\"))) % 2 == 1  # it goes on after an escaped quote
            continue
        for char in part:
            if char in "[{":
                depth += 1
                if depth > most:
                    return True
            elif char in "]}":
                depth -= 1
        in_string = True
    return False


def _with_whole_characters(value: "Any") -> "Any":
    if isinstance(value, dict):
        return {_with_whole_characters(key): _with_whole_characters(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_whole_characters(item) for item in value]
    if not isinstance(value, str):
        return value
    out: "list[str]" = []
    high = 0
    for char in value:
        code = ord(char)
        if high and _LOW <= code < _LOW + 0x400:
            out[-1] = chr(_PLANES + ((high - _HIGH) << 10) + (code - _LOW))
            high = 0
            continue
        high = code if _HIGH <= code < _LOW else 0
        out.append("\ufffd" if _HIGH <= code < _LOW + 0x400 else char)
    return "".join(out)


def _json_of(answer: Answer, what: str) -> "Any":
    if answer.redirected:
        raise _unexpected(what, "a redirect")
    if not answer.text.strip():
        raise _unexpected(what, f"status {answer.status} and an empty body")
    try:
        return parse_json(answer.text)
    except ValueError:
        start = answer.text.lstrip()[:1]
        raise _unexpected(what, f"status {answer.status} and {'HTML' if start == '<' else 'a body that is not JSON'}")


def _url_of(answer: Answer, what: str, page_url: str) -> str:
    data = _json_of(answer, what)
    url = data.get("url") if isinstance(data, dict) else None
    if not isinstance(url, str) or not url:
        raise _unexpected(what, f"status {answer.status} and no url")
    return resolve(url, page_url)


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
