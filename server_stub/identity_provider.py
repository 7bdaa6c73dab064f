"""``/dev/idp``: an OpenID provider for development, where everybody may sign in as anybody.

Authlib's authorization server decides what is a good request; here are its one client, what it remembers for a
minute, and the page on which a person picks a user and agrees or refuses.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    AuthorizationServer,
    ClientMixin,
    InvalidRequestError,
    OAuth2Error,
    OAuth2Payload,
    OAuth2Request,
    scope_to_list,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import ECKey, KeySet
from starlette.applications import Starlette
from starlette.datastructures import Headers, ImmutableMultiDict
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from . import pages
from .accounts import new_user
from .emails import normalize_address
from .errors import Refused
from .exchange import parse_form, read_content
from .oidc import OIDCProvider, httpx
from .origin import local_origin, refuse_other_sites
from .users import User, picture_url

PATH = "/dev/idp"
ID = "dev-idp"
SCOPES = ("openid", "profile", "email")
CODE_LIFETIME = 60  # seconds
MOST_CODES = 1000  # that wait to be exchanged; the oldest goes first


@dataclass(frozen=True)
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """An authorization code, and what was agreed to. The names without ``get_`` are those that Authlib reads."""

    code: str
    user: User
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    code_challenge_method: str
    time: float

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(self.time)

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class DevIdentityProvider:
    """The ASGI app to mount at ``/dev/idp``; ``provider`` is it as ``AuthApp(providers=[…])`` takes it.

    ``base_path`` is where the auth endpoints are: it sends people back there and nowhere else.
    """

    def __init__(self, users: Mapping[str, User], base_path: str = "/api/auth") -> None:
        self.users = users
        self.base_path = base_path
        self.key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", "kid": uuid.uuid4().hex}, private=True)
        self.codes: OrderedDict[str, Code] = OrderedDict()
        site = Starlette(routes=[Mount(PATH, self)])
        self.provider = OIDCProvider(
            id=ID,
            name="Development ID",
            issuer=PATH,
            client_id="server_stub",
            client_secret=secrets.token_urlsafe(),
            transport=httpx.ASGITransport(site),
            has_own_users=True,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        assert scope["type"] == "http", "the identity provider speaks only HTTP"
        try:
            response = await self.answer(Request(scope, receive))
        except Refused as refusal:
            response = PlainTextResponse(refusal.message, refusal.status)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        # Whoever can reach this may sign in as anybody: it is for the people at this machine.
        origin = local_origin(request)
        name = f"{request.method} {request.scope['path'].removeprefix(request.scope.get('root_path', ''))}"
        if name == "GET /.well-known/openid-configuration":
            return JSONResponse(self.metadata(origin))
        if name == "GET /jwks":
            return JSONResponse(KeySet([self.key]).as_dict(private=False))
        try:
            if name == "POST /token":
                asked = OAuthRequest("POST", request.headers, await read_form(request))
                response = Server(self, origin).create_token_response(asked)
                assert isinstance(response, Response)
                return response
            if name in ("GET /authorize", "POST /authorize"):
                return await self.authorize(request, origin)
        except ValueError:
            # Authlib cannot put every character into its messages.
            raise Refused("This is not a valid sign-in request.") from None
        raise Refused("Not Found", 404)

    def metadata(self, origin: str) -> dict[str, Any]:
        issuer = origin + PATH
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": [*SCOPES],
            "claims_supported": ["sub", "name", "email", "picture"],
        }

    async def authorize(self, request: Request, origin: str) -> Response:
        """Ask who it is; then send the code, or the refusal, back."""
        server = Server(self, origin)
        asked = OAuthRequest(request.method, request.headers, request.query_params)
        form: Mapping[str, str] = {}
        user = None
        if request.method == "POST":
            refuse_other_sites(request, origin)
            form = await read_form(request)
            user = self.user_in(form)
        try:
            grant = server.get_consent_grant(asked, end_user=user)
        except OAuth2Error as problem:
            if problem.redirect_uri is None:
                raise Refused(f"This is not a valid sign-in request: {problem.description or problem.error}") from None
            return server.error_response(asked, problem)
        refused = form.get("decision") == "refuse"
        if refused or (user is not None and form.get("decision") == "allow"):
            response = server.create_authorization_response(asked, grant_user=None if refused else user, grant=grant)
            assert isinstance(response, Response)
            return response
        page = pages.identity_provider(
            action=f"{PATH}/authorize?{request.url.query}",
            base_path=self.base_path,
            client=origin.partition("://")[2],
            users=[(name, user.name, user.email) for name, user in self.users.items()],
            hint=form.get("email") or request.query_params.get("login_hint", ""),
            failed=request.method == "POST",
        )
        return HTMLResponse(page, 400 if request.method == "POST" else 200, headers=pages.SECURITY_HEADERS)

    def user_in(self, form: Mapping[str, str]) -> User | None:
        """The user that was picked or typed; None if it was neither."""
        if form.get("user"):
            return self.users.get(form["user"])
        address = normalize_address(form.get("email"), needs_dot=False)
        if address is None:
            return None
        typed = new_user(address)
        name = form.get("name", "").strip()[:200]
        return User(typed.id, name or address.partition("@")[0], address, "")

    def claims(self, user: User, scope: str, origin: str) -> dict[str, Any]:
        picture = user.image and picture_url(user.image, f"{origin}{self.base_path}/")
        granted = scope_to_list(scope) or []
        claims = {"sub": user.id}
        claims |= {"name": user.name, **({"picture": picture} if picture else {})} if "profile" in granted else {}
        claims |= {"email": user.email} if "email" in granted else {}
        return claims


class Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server, for the origin of one request."""

    def __init__(self, idp: DevIdentityProvider, origin: str) -> None:
        super().__init__(scopes_supported=[*SCOPES])
        self.idp = idp
        self.origin = origin
        self.register_token_generator("default", BearerTokenGenerator(lambda **_: secrets.token_urlsafe(), None, 600))
        self.register_grant(CodeGrant, [RequiredCodeChallenge(required=True), IDToken(idp, origin)])

    def query_client(self, client_id: str) -> Client | None:
        return Client(self.idp, self.origin) if client_id == self.idp.provider.client_id else None

    def save_token(self, token: Mapping[str, Any], request: OAuth2Request) -> None:
        """Nothing takes the access token: all there is to know is in the ID token."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        named = {**dict(headers), "Cache-Control": "no-store"}
        if "Location" in named:
            return Response(status_code=303, headers=named)
        return JSONResponse(body, status, headers=named)

    def error_response(self, request: OAuth2Request, problem: OAuth2Error) -> Response:
        response = self.handle_error_response(request, problem)
        assert isinstance(response, Response)
        return response


class Client(ClientMixin):  # type: ignore[misc]
    """This server's own auth endpoints, the one client."""

    def __init__(self, idp: DevIdentityProvider, origin: str) -> None:
        self.idp = idp
        self.origin = origin

    def get_client_id(self) -> str:
        return self.idp.provider.client_id

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(name for name in scope_to_list(scope) or [] if name in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == f"{self.origin}{self.idp.base_path}/callback/{ID}"

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret.encode(), self.idp.provider.client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        asked = request.payload.data
        codes = self.server.idp.codes
        codes[code] = Code(
            code=code,
            user=request.user,
            redirect_uri=asked["redirect_uri"],
            scope=request.scope,
            nonce=asked.get("nonce"),
            code_challenge=asked["code_challenge"],
            code_challenge_method=asked["code_challenge_method"],
            time=time.time(),
        )
        while len(codes) > MOST_CODES:
            codes.popitem(last=False)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        # Taken at once: a code that was tried with the wrong verifier is of no use either.
        found: Code | None = self.server.idp.codes.pop(code, None)
        return found if found is not None and time.time() < found.time + CODE_LIFETIME else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It is gone already."""

    def authenticate_user(self, authorization_code: Code) -> User:
        return authorization_code.user


class RequiredCodeChallenge(CodeChallenge):  # type: ignore[misc]
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: AuthorizationCodeGrant, redirect_uri: str) -> None:
        if not grant.request.payload.data.get("code_challenge_method"):
            raise InvalidRequestError("Missing 'code_challenge_method'")
        super().validate_code_challenge(grant, redirect_uri)


class IDToken(OpenIDCode):  # type: ignore[misc]
    def __init__(self, idp: DevIdentityProvider, origin: str) -> None:
        super().__init__(require_nonce=True)
        self.idp = idp
        self.origin = origin

    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        return False

    def generate_user_info(self, user: User, scope: str) -> dict[str, Any]:
        return self.idp.claims(user, scope, self.origin)

    def resolve_client_private_key(self, client: Client) -> ECKey:
        return self.idp.key

    def get_client_algorithm(self, client: Client) -> str:
        return "ES256"

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": "ES256", "kid": self.idp.key.kid or ""}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        return {"iss": self.origin + PATH}


class Payload(OAuth2Payload):  # type: ignore[misc]
    """The parameters of a request, each with all its values."""

    def __init__(self, parameters: ImmutableMultiDict[str, str]) -> None:
        self.parameters = parameters

    @property
    def data(self) -> ImmutableMultiDict[str, str]:
        return self.parameters

    @property
    def datalist(self) -> dict[str, list[str]]:
        return {name: self.parameters.getlist(name) for name in self.parameters}


class OAuthRequest(OAuth2Request):  # type: ignore[misc]
    """A request as Authlib reads it."""

    def __init__(self, method: str, headers: Headers, parameters: ImmutableMultiDict[str, str]) -> None:
        # Authlib wants https from everybody but localhost. Who asks here is on this machine, whatever name was used.
        super().__init__(method, "http://localhost/", headers=headers)
        self.payload = Payload(parameters)

    @property
    def form(self) -> ImmutableMultiDict[str, str]:
        return self.payload.data


async def read_form(request: Request) -> ImmutableMultiDict[str, str]:
    return ImmutableMultiDict(parse_form(await read_content(request)))
