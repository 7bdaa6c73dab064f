"""Where the three generations of the protocol differ. What is the same in all of them is in ``auth.py``."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from nextauth_server.cookies import UNESCAPED
from nextauth_server.tokens import TokenFormat, V3Tokens, V4Tokens, V5Tokens
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response

from .errors import Refused, SentElsewhere

NOT_CACHED = {"Cache-Control": "private, no-cache, no-store", "Pragma": "no-cache", "Expires": "0"}

NO_TOKEN = "the link of a mail has no token"

URL_CHARACTERS = "%:/?#[]@!$&'()*+,;=~"  # what `quote` leaves alone in a URL

# The errors that v4 shows on its sign-in page; `/error` leads there.
SHOWN_AT_SIGN_IN = frozenset(
    {
        "Signin",
        "OAuthSignin",
        "OAuthCallback",
        "OAuthCreateAccount",
        "EmailCreateAccount",
        "Callback",
        "OAuthAccountNotLinked",
        "EmailSignin",
        "CredentialsSignin",
        "SessionRequired",
    }
)


@dataclass(frozen=True)
class FlowCookie:
    """A cookie that lives while its user is at a provider, sealed, with some fields of the ``oidc.Flow`` in it."""

    name: str
    fields: tuple[str, ...]
    has_max_age: bool = False


class V4:
    """NextAuth.js v4, and the base of the other two."""

    name = "v4"
    title = "NextAuth.js v4"
    cookie_prefix = "next-auth."
    tokens: TokenFormat = V4Tokens()
    nobody: Mapping[str, object] | None = {}  # what `/session` answers when nobody is signed in
    not_cached: Mapping[str, str] = NOT_CACHED
    has_update = True  # POST /session
    has_log = True  # POST /_log
    splits_cookies = True  # large sessions go into `.0`, `.1` …
    deleted_cookies_expire = False  # whether Expires goes with Max-Age=0
    always_deletes_cookie = False  # even when the request has none
    quiet_endpoints: frozenset[str] = frozenset({"_log", "providers"})  # they set no cookies
    nulls = False  # whether a user's missing fields are null, not absent
    long_paths = True  # whether `/session/more` is `/session`
    addresses_need_dot = True  # whether a@localhost is no e-mail address
    names_callback_url_in_mail = True
    shown_at_sign_in = SHOWN_AT_SIGN_IN
    oidc_type = "oauth"  # what `/providers` calls an OpenID provider
    email_name = "Email"  # and sign-in by e-mail
    flow_cookies: tuple[FlowCookie, ...] = (
        FlowCookie("state", ("state",), has_max_age=True),
        FlowCookie("pkce.code_verifier", ("code_verifier",), has_max_age=True),
        FlowCookie("nonce", ("nonce",)),
    )
    refuses_passwords_with_database = False
    tells_access_token = False  # whether sessions in the database have an access token for the page
    failures_delete_cookies = True  # those of what is over; a failure sets no others
    authorize_failed_status = 401  # for a script, when an `authorize` callback raises
    asks_where_sign_in_callback_leads = False  # whether a URL of that callback goes through the redirect callback
    failures_end_flow = False  # whether those cookies are deleted when the sign-in fails

    def new_session_token(self) -> str:
        """For a session in the database."""
        return str(uuid.uuid4())

    def wants_json(self, headers: Headers, body: Mapping[str, object]) -> bool:
        return body.get("json") == "true"

    def redirect(self, url: str, *, as_json: bool) -> Response:
        """The end of what went well: send a form to ``url``, or tell it to a script that asked for JSON."""
        return JSONResponse({"url": url}) if as_json else found(url)

    def refused(self, message: str, status: int) -> Response:
        return PlainTextResponse(message, status)

    def unsupported(self, method: str, action: str, base_url: str) -> Refused | SentElsewhere:
        """For an action that there is not."""
        return Refused(f"Error: This action with HTTP {method} is not supported by NextAuth.js")

    def unknown_provider(self, method: str, action: str, base_url: str) -> Refused | SentElsewhere:
        """For a provider that there is not, or that cannot do this."""
        return self.unsupported(method, action, base_url)

    def no_get_callback(self, base_url: str) -> Refused | SentElsewhere:
        """For a GET of the credentials callback."""
        return Refused("Error: Callback for provider type credentials not supported")

    def unknown_sign_in(self, base_url: str) -> SentElsewhere:
        """For a POST to `/signin` with a provider that there is not."""
        return self.csrf_failed("signin", base_url)

    def bad_callback_url(self, base_url: str, problem: Refused) -> Refused | SentElsewhere:
        return problem

    def csrf_failed(self, action: str, base_url: str) -> SentElsewhere:
        page = "signout" if action == "signout" else "signin"
        return SentElsewhere(f"{base_url}/{page}?csrf=true")

    def wrong_credentials(self, base_url: str, code: str = "credentials") -> SentElsewhere:
        query = urlencode({"error": "CredentialsSignin", "provider": "credentials"})
        return SentElsewhere(f"{base_url}/error?{query}", 401)

    def authorize_failed(self, base_url: str, message: str) -> SentElsewhere:
        """For an ``authorize`` callback that raises something else."""
        return SentElsewhere(error_page(base_url, message), self.authorize_failed_status)

    def sign_in_callback_failed(self, base_url: str, provider: str, message: str) -> SentElsewhere:
        """For a sign-in callback that raises instead of saying False."""
        return SentElsewhere(error_page(base_url, message))

    def access_denied(self, base_url: str, provider: str) -> SentElsewhere:
        return SentElsewhere(f"{base_url}/error?error=AccessDenied", 403 if provider == "credentials" else 200)

    def mail_failed(self, base_url: str) -> SentElsewhere:
        """For an address that is none, or a mail server that does not answer."""
        return SentElsewhere(f"{base_url}/error?error=EmailSignin")

    def link_without_token(self, base_url: str) -> SentElsewhere:
        return SentElsewhere(f"{base_url}/error?error=configuration", reason=NO_TOKEN)  # v4 spells it like this

    def too_many_tries(self, base_url: str) -> SentElsewhere:
        """For passwords and mails beyond the limit, which the real ones do not have."""
        return SentElsewhere(f"{base_url}/signin?error=TooManyRequests", 429)

    def provider_unreachable(self, base_url: str) -> SentElsewhere:
        """For a sign-in that cannot even start."""
        return SentElsewhere(f"{base_url}/error?error=OAuthSignin")

    def provider_refused(self, base_url: str) -> SentElsewhere:
        """For a provider that sends an error, such as `access_denied` when its user does not agree."""
        return SentElsewhere(f"{base_url}/error?error=Callback")

    def flow_not_started(self, base_url: str) -> SentElsewhere:
        """For a browser that does not have the cookies of the flow."""
        return SentElsewhere(f"{base_url}/error?error=OAuthCallback")

    def flow_failed(self, base_url: str) -> SentElsewhere:
        """For a code that the provider does not take, or an ID token that is not to be believed."""
        return self.flow_not_started(base_url)

    def account_not_linked(self, base_url: str) -> SentElsewhere:
        return SentElsewhere(f"{base_url}/error?error=OAuthAccountNotLinked")


class V3(V4):
    """NextAuth.js v3."""

    name = "v3"
    title = "NextAuth.js v3"
    tokens: TokenFormat = V3Tokens()
    not_cached: Mapping[str, str] = {}
    has_update = False
    splits_cookies = False
    deleted_cookies_expire = True
    always_deletes_cookie = True
    quiet_endpoints: frozenset[str] = frozenset()
    nulls = True
    addresses_need_dot = False
    names_callback_url_in_mail = False
    shown_at_sign_in = SHOWN_AT_SIGN_IN - {"SessionRequired"}
    flow_cookies = (FlowCookie("pkce.code_verifier", ("state", "code_verifier", "nonce")),)
    failures_end_flow = True
    refuses_passwords_with_database = True
    tells_access_token = True
    authorize_failed_status = 200

    def new_session_token(self) -> str:
        return secrets.token_hex(32)

    def flow_failed(self, base_url: str) -> SentElsewhere:
        return self.provider_refused(base_url)

    def link_without_token(self, base_url: str) -> SentElsewhere:
        return SentElsewhere(f"{base_url}/error?error=Verification")


class V5(V4):
    """Auth.js v5: every refusal is an error page's URL, with status 200 for a script."""

    name = "v5"
    title = "Auth.js v5"
    cookie_prefix = "authjs."
    tokens: TokenFormat = V5Tokens()
    nobody: Mapping[str, object] | None = None
    has_log = False
    failures_delete_cookies = False
    long_paths = False
    addresses_need_dot = False
    shown_at_sign_in: frozenset[str] = frozenset()
    oidc_type = "oidc"
    email_name = "Nodemailer"
    asks_where_sign_in_callback_leads = True

    def wants_json(self, headers: Headers, body: Mapping[str, object]) -> bool:
        return "x-auth-return-redirect" in headers

    def redirect(self, url: str, *, as_json: bool) -> Response:
        response = super().redirect(url, as_json=as_json)
        if as_json:
            response.headers["Location"] = quote(url, safe=URL_CHARACTERS)
        return response

    def refused(self, message: str, status: int) -> Response:
        return JSONResponse(message, status)

    def unsupported(self, method: str, action: str, base_url: str) -> Refused | SentElsewhere:
        if method == "POST" and action in {"csrf", "error", "providers"}:
            return self.misconfigured(base_url, f"/{action} takes no POST")
        return Refused("Bad request.")

    def unknown_provider(self, method: str, action: str, base_url: str) -> Refused | SentElsewhere:
        return self.misconfigured(base_url, f"there is no such provider, or it takes no {method}")

    def no_get_callback(self, base_url: str) -> Refused | SentElsewhere:
        return self.misconfigured(base_url, "signing in with a password takes a POST")

    def unknown_sign_in(self, base_url: str) -> SentElsewhere:
        return self.misconfigured(base_url, "there is no such provider")

    def bad_callback_url(self, base_url: str, problem: Refused) -> Refused | SentElsewhere:
        return self.misconfigured(base_url, problem.message)

    def csrf_failed(self, action: str, base_url: str) -> SentElsewhere:
        return SentElsewhere(f"{base_url}/signin?error=MissingCSRF")

    def wrong_credentials(self, base_url: str, code: str = "credentials") -> SentElsewhere:
        query = urlencode({"error": "CredentialsSignin", "code": code})
        return SentElsewhere(f"{base_url}/signin?{query}")

    def authorize_failed(self, base_url: str, message: str) -> SentElsewhere:
        return self.misconfigured(base_url, "the authorize callback failed")

    def sign_in_callback_failed(self, base_url: str, provider: str, message: str) -> SentElsewhere:
        return self.access_denied(base_url, provider)

    def access_denied(self, base_url: str, provider: str) -> SentElsewhere:
        return SentElsewhere(f"{base_url}/error?error=AccessDenied")

    def mail_failed(self, base_url: str) -> SentElsewhere:
        return self.misconfigured(base_url, "the e-mail address is none, or the mail server does not take the mail")

    def link_without_token(self, base_url: str) -> SentElsewhere:
        return self.misconfigured(base_url, NO_TOKEN)

    def provider_unreachable(self, base_url: str) -> SentElsewhere:
        return self.misconfigured(base_url, "the provider cannot be reached, or is not what it should be")

    def provider_refused(self, base_url: str) -> SentElsewhere:
        return SentElsewhere(f"{base_url}/signin?error=OAuthCallbackError")

    def flow_not_started(self, base_url: str) -> SentElsewhere:
        return self.misconfigured(base_url, "this browser has not started a sign-in that ends like this")

    def account_not_linked(self, base_url: str) -> SentElsewhere:
        return SentElsewhere(f"{base_url}/signin?error=OAuthAccountNotLinked")

    def misconfigured(self, base_url: str, reason: str) -> SentElsewhere:
        return SentElsewhere(f"{base_url}/error?error=Configuration", reason=reason)


def error_page(base_url: str, message: str) -> str:
    return f"{base_url}/error?error={quote(message, safe=UNESCAPED, errors='replace')}"


def found(url: str) -> Response:
    return Response(status_code=302, headers={"Location": quote(url, safe=URL_CHARACTERS)})


Dialect = V4

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (V3(), V4(), V5())}
