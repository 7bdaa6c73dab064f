"""Signing in with Google and others: what the bridges make of a registry of Authlib's, and remember until its end.

A provider is talked to by Authlib's clients alone, in the bridge of the framework; there is no I/O here.
"""

import json
import logging
import re
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from nextauth_client import protocol

logger = logging.getLogger("nextauth_server")

BEGUN = "nextauth_server.begun"  # a key of the framework's session
LIFETIME = 600  # seconds that a person may take at the provider
TIMEOUT = 10  # seconds that a provider may take for its answers
TENANT = "{tenantid}"  # in the issuer of a provider that many issue tokens for
_TENANT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Characters, for a session may be a cookie, which has room for 4,096.
MOST_BEGUN = 2000
LONGEST_CALLBACK_URL = 1000


@dataclass(frozen=True)
class Provider:
    """What a page may know of one. `callback_path` is where a sign-in ends if that is no endpoint of the bridge's."""

    id: str
    name: str
    callback_path: str | None = None


@dataclass(frozen=True)
class Begun:
    """A sign-in whose person is at the provider, and where it shall end."""

    provider: str
    callback_url: str
    nonce: str | None
    code_verifier: str | None
    time: float


def registered(registry: Any, names: Mapping[str, str]) -> list[Provider]:
    """The providers of Authlib's `OAuth()`, also those that were registered since; none without one.

    `names` are those that people read, by id; without one it is the id with a capital letter.
    """
    # Authlib gives each client by its name and has no list of them.
    ids = [] if registry is None else list(registry._registry)
    return [Provider(one, names.get(one) or one[:1].upper() + one[1:]) for one in ids]


def begin(
    session: MutableMapping[str, Any],
    provider: str,
    authorization: Mapping[str, Any],
    callback_url: str,
    parameters: Mapping[str, str],
) -> str:
    """The URL at the provider, from what Authlib's `create_authorization_url` gave. The rest is kept in the session.

    `parameters` are more authorization parameters, of a page's; the server's own stay as they are. Raises `ValueError`
    for a provider that cannot be gone to.
    """
    url = with_parameters(authorization["url"], parameters)
    if "request_token" in authorization:
        raise ValueError("it speaks OAuth 1, and a bridge OAuth 2 and OpenID Connect")
    begun = Begun(provider, callback_url, authorization.get("nonce"), authorization.get("code_verifier"), time.time())
    # The newest, because each tab may have begun one, and some never end.
    sign_ins = {**_begun(session), authorization["state"]: asdict(begun)}
    while len(json.dumps(sign_ins)) > MOST_BEGUN and len(sign_ins) > 1:
        del sign_ins[next(iter(sign_ins))]
    session[BEGUN] = sign_ins
    return url


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """The URL of an authorization with those that a page adds, but none that is the server's.

    Raises `ValueError` for a URL that a browser cannot be sent to.
    """
    if urlsplit(url).scheme not in ("https", "http"):
        raise ValueError("its authorization endpoint is no URL that a browser can be sent to")
    _, allowed = protocol.pinned_and_free(parameters)
    address, _, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    # The bridge takes an answer in the query alone.
    kept = {"response_mode", *(name for name, _ in pairs)}
    return f"{address}?{urlencode([*pairs, *((name, value) for name, value in allowed if name not in kept)])}"


def end(session: MutableMapping[str, Any], provider: str, state: str) -> Begun | None:
    """The sign-in that began in this session with that state, for the one time that it can end; else `None`."""
    sign_ins = _begun(session)
    if state not in sign_ins:
        return None
    begun = Begun(**sign_ins.pop(state))
    if sign_ins:
        session[BEGUN] = sign_ins
    else:
        del session[BEGUN]
    return begun if begun.provider == provider else None


def token_request(begun: Begun, redirect_uri: str, code: str) -> dict[str, Any]:
    """The arguments of Authlib's `fetch_access_token`."""
    verifier = {} if begun.code_verifier is None else {"code_verifier": begun.code_verifier}
    return {"redirect_uri": redirect_uri, "code": code, **verifier}


def said(begun: Begun, userinfo: Any) -> dict[str, Any]:
    """What a provider says of somebody, as plain data. Raises `ValueError` when it does not say who that is."""
    who = userinfo if isinstance(userinfo, Mapping) else {}
    if begun.nonce is not None:
        is_named = isinstance(who.get("sub"), str) and who["sub"] != ""
    else:
        is_named = any(who.get(name) not in (None, "") for name in ("sub", "id"))
    if not is_named:
        raise ValueError("it does not say who has signed in")
    return dict(who)


def claims_options(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """What Authlib's `parse_id_token` is told of the issuer, given what the provider says of itself.

    `None` for its own check, by the one issuer. Microsoft's "common" and "organizations" name a template, since each
    tenant issues its own tokens, and say in `tid` which: the issuer is that of the template and of the key that signed.

    Source: "Validate the issuer", in Microsoft's documentation of ID tokens.
    """
    issuer = metadata.get("issuer")
    if not isinstance(issuer, str) or TENANT not in issuer:
        return None

    def is_the_tenants(claims: Any, said: Any) -> bool:
        tenant = claims.get("tid")
        if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
            return False
        # Authlib keeps the keys there. Without an issuer, a key is for any of the template's.
        keys = metadata["jwks"]["keys"]
        templates = [key.get("issuer", issuer) for key in keys if key.get("kid") == claims.header.get("kid")]
        return templates != [] and all(one.replace(TENANT, tenant) == said for one in (issuer, *templates))

    return {"iss": {"essential": True, "validate": is_the_tenants}}


def check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    """Raises `ValueError` for an ID token that is another app's: Authlib takes one where only `azp` names this one."""
    audience = claims["aud"]
    if client_id not in ([audience] if isinstance(audience, str) else audience):
        raise ValueError("its ID token is for another app")


def log_failure(provider: str, problem: Exception) -> None:
    # A query may hold a token, and what the provider says a line of its own.
    text = re.sub(r"\?[^\s'\")]+", "?…", str(problem))
    logger.warning("Signing in with %s failed: %s: %.200r", provider, type(problem).__name__, text)


def no_userinfo(provider: str) -> str:
    return (
        f"{provider} gave no ID token, and does not say who has signed in. Register it with scope 'openid', or with "
        "userinfo_endpoint= (https://api.github.com/user)."
    )


def _begun(session: Mapping[str, Any]) -> dict[str, Any]:
    """Of the session, oldest first."""
    earliest = time.time() - LIFETIME
    kept = session.get(BEGUN)
    return {state: one for state, one in (kept or {}).items() if one["time"] > earliest}
