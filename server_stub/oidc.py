"""Signing in at an OpenID provider, with Authlib's client: the code flow with PKCE, state and nonce.

It knows no cookies and no users of this server: a ``Flow`` is what the caller has to remember between the two steps.
"""

from __future__ import annotations

import hmac
import importlib
import importlib.util
import logging
import warnings
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import anyio
from authlib.common.urls import add_params_to_uri
from authlib.deprecate import AuthlibDeprecationWarning

from .database import Account
from .origin import is_web_url
from .users import User

logger = logging.getLogger("server_stub")

# The HTTP client that Authlib takes: httpx2 where there is one, else httpx, which is all that Python 3.10 has.
httpx: Any = importlib.import_module("httpx2" if importlib.util.find_spec("httpx2") else "httpx")
with warnings.catch_warnings():
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.starlette_client import StarletteOAuth2App

# At DEBUG these two write code verifiers and access tokens into the log.
for _name in ("authlib.integrations.base_client.sync_app", "authlib.oauth2.rfc6749.grants.authorization_code"):
    logging.getLogger(_name).setLevel(logging.INFO)

# What a provider may take: seconds for nothing to happen, seconds for all the requests of a step, bytes of an answer.
TIMEOUT = 10
DEADLINE = 20
MOST_OF_AN_ANSWER = 2**20

DEFAULT_SCOPE = "openid profile email"

# The ways to sign an ID token that anybody can check and only the provider can do: no shared secret, no "none".
SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")

TOKEN_TEXTS = ("access_token", "id_token", "refresh_token", "scope", "session_state", "token_type")

# These would change how the provider's answer arrives. What the client sets itself cannot be changed either.
PINNED = frozenset({"request", "request_uri", "response_mode"})


class SignInFailed(Exception):
    """The provider cannot be reached, refuses, or says something that must not be believed."""


@dataclass(frozen=True)
class OIDCProvider:
    """An OpenID provider. ``issuer`` is its URL, or a path on this server's own origin."""

    id: str
    name: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scope: str = DEFAULT_SCOPE
    authorization: Mapping[str, str] = field(default_factory=dict)  # more authorization parameters
    token_endpoint_auth_method: str = "client_secret_basic"
    # For the built-in one: how it is asked without a socket, and whether its users are the configured ones.
    transport: Any = field(default=None, repr=False)
    has_own_users: bool = False

    def issuer_at(self, origin: str) -> str:
        return urljoin(f"{origin}/", self.issuer).rstrip("/")


@dataclass(frozen=True)
class Flow:
    """What a sign-in has to remember until the provider sends its user back."""

    provider: str
    state: str
    code_verifier: str
    nonce: str


async def start(
    provider: OIDCProvider, *, origin: str, redirect_uri: str, parameters: Mapping[str, str]
) -> tuple[str, Flow]:
    """The URL to go to, and what to remember. ``parameters`` are more authorization parameters, from the page."""
    try:
        with anyio.fail_after(DEADLINE):
            client = await _discover(provider, origin)
            made = await client.create_authorization_url(redirect_uri)
        url = made["url"]
        if not is_web_url(url):
            raise ValueError("its authorization endpoint is no URL that a browser can be sent to")
    except Exception as problem:  # whatever a foreign server does, it must not stop this one
        raise _failed(provider, problem) from None
    taken = PINNED.union(name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))
    free = {name: value for name, value in {**provider.authorization, **parameters}.items() if name not in taken}
    flow = Flow(provider.id, made["state"], made["code_verifier"], made["nonce"])
    return add_params_to_uri(url, list(free.items())), flow


async def finish(
    provider: OIDCProvider, *, origin: str, redirect_uri: str, query: Mapping[str, str], flow: Flow
) -> tuple[Account, User]:
    """Exchange the code. The account, and what the provider says of its user."""
    if flow.provider != provider.id or not hmac.compare_digest(flow.state.encode(), query.get("state", "").encode()):
        raise SignInFailed("this sign-in was not started here")
    if "iss" in query and query["iss"].rstrip("/") != provider.issuer_at(origin):
        raise SignInFailed("the answer is another provider's")
    try:
        with anyio.fail_after(DEADLINE):
            client = await _discover(provider, origin)
            tokens = await client.fetch_access_token(
                redirect_uri, code=query.get("code", ""), code_verifier=flow.code_verifier
            )
            # Checks the signature, the issuer, the audience, the times, the nonce and the access token's hash.
            claims = await client.parse_id_token(tokens, nonce=flow.nonce)
            if claims is None or claims.get("nonce") != flow.nonce:
                raise ValueError("there is no ID token, or one without the nonce")
            claims = dict(claims)
            if not ("name" in claims and "email" in claims) and "userinfo_endpoint" in client.server_metadata:
                more = await client.userinfo(token=tokens)
                if more.get("sub") != claims["sub"]:
                    raise ValueError("the userinfo endpoint speaks of somebody else")
                claims = {**more, **claims}
        account = Account(provider.id, _storable("sub", claims["sub"]), _checked(tokens))
        if not account.provider_account_id:
            raise ValueError("the sub claim is empty")
    except Exception as problem:
        raise _failed(provider, problem) from None
    picture = _text(claims.get("picture"))
    profile = User(
        id=account.provider_account_id,
        name=_text(claims.get("name") or claims.get("preferred_username")),
        email=_text(claims.get("email")).lower(),
        password_hash="",
        image=picture if is_web_url(picture) else None,
    )
    return account, profile


async def _discover(provider: OIDCProvider, origin: str) -> StarletteOAuth2App:
    issuer = provider.issuer_at(origin)
    client = StarletteOAuth2App(
        None,
        provider.id,
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": provider.scope,
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": provider.token_endpoint_auth_method,
            "timeout": TIMEOUT,
            "headers": {"Accept-Encoding": "identity"},
            "event_hooks": {"response": [_limit]},
            **({"transport": provider.transport} if provider.transport else {}),
        },
    )
    metadata = await client.load_server_metadata()
    if str(metadata["issuer"]).rstrip("/") != issuer:
        raise ValueError(f"{issuer} says that it is {metadata['issuer']}")
    supported = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
    metadata["id_token_signing_alg_values_supported"] = [name for name in supported if name in SIGNATURES]
    return client


async def _limit(response: Any) -> None:
    """Before the answer is read. What is compressed could be of any size."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ValueError("the answer is compressed, which it was asked not to be")
    response.stream = _Limited(response.stream)


class _Limited(httpx.AsyncByteStream):  # type: ignore[misc]
    def __init__(self, stream: Any) -> None:
        self.stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for piece in self.stream:
            length += len(piece)
            if length > MOST_OF_AN_ANSWER:
                raise ValueError("the answer is too large")
            yield piece

    async def aclose(self) -> None:
        await self.stream.aclose()


def _failed(provider: OIDCProvider, problem: Exception) -> SignInFailed:
    logger.warning("Signing in with %s failed: %s: %.200s", provider.id, type(problem).__name__, problem)
    return SignInFailed(str(problem))


def _checked(tokens: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of the token endpoint's answer. ValueError if it is not of the kind that OAuth says."""
    texts = {name: _storable(name, tokens[name]) for name in TOKEN_TEXTS if tokens.get(name) is not None}
    expires_at = tokens.get("expires_at")
    if expires_at is None:
        return texts
    if not 0 <= int(expires_at) < 2**31:
        raise ValueError("expires_in is no time that a token can live")
    return {**texts, "expires_at": int(expires_at)}


def _storable(name: str, value: object) -> str:
    """The value, if it is a text that every database can hold as it is."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{name} is not a text")
    value.encode()  # half a surrogate pair raises a ValueError
    return value


def _text(value: object) -> str:
    """A claim as text that every cookie and every database can hold."""
    return value.replace("\0", "").encode(errors="replace").decode() if isinstance(value, str) else ""
