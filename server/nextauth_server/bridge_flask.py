"""The bridge to Flask-Login: its users and Flask's session."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from flask import Blueprint, Flask, Request, Response, current_app, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_login import current_user, login_user, logout_user, user_logged_in, user_logged_out  # type: ignore[import-untyped]
from itsdangerous import BadData, base64_decode

from .bridge import (
    NAME,
    BadRequest,
    Bridge,
    Named,
    Reply,
    SignedIn,
    SignInRefused,
    Visit,
    check_length,
    origin_of,
    parse_fields,
)
from .finding import forget_sessions
from .providers import (
    TIMEOUT,
    Begun,
    Provider,
    begin,
    check_audience,
    claims_options,
    end,
    log_failure,
    no_userinfo,
    registered,
    said,
    token_request,
)


def describe_user(user: Any) -> Mapping[str, Any]:
    """What a page may know of somebody: what the user's object has for a name and an e-mail address."""
    names = (getattr(user, name, None) for name in ("name", "username"))
    name = next((name for name in names if isinstance(name, str)), None) or user.get_id()
    email = getattr(user, "email", None)
    return {"name": name, "email": email if isinstance(email, str) else None}


class FlaskBridge:
    """The endpoints as a blueprint: `app.register_blueprint(bridge.blueprint)`."""

    def __init__(
        self,
        bridge: Bridge,
        *,
        authenticate: Callable[..., Any],
        describe: Callable[[Any], Mapping[str, Any]],
        update: Callable[[Any], None] | None,
        may_try: Callable[[Mapping[str, str]], bool] | None,
        remember: bool,
        url: str | None,
        url_prefix: str,
        oauth: Any,
        provider_names: Mapping[str, str],
        sign_in_with: Callable[..., Any] | None,
    ) -> None:
        self.bridge = bridge
        self.authenticate = authenticate
        self.named = Named(authenticate)
        self.describe = describe
        self.update = update
        self.may_try = may_try
        self.remember = remember
        self.url = url
        self.oauth = oauth
        self.provider_names = provider_names
        self.sign_in_with = sign_in_with
        self.takes_token = sign_in_with is not None and "token" in Named(sign_in_with, first=2).takes
        # However people log in and out in this process; a receiver that is connected already is not connected again.
        user_logged_in.connect(_forget)
        user_logged_out.connect(_forget)
        self.blueprint = Blueprint(NAME, __name__, url_prefix=url_prefix)
        # Of Flask, too, none but the two: OPTIONS would be answered by itself.
        self.blueprint.add_url_rule(
            "/<path:action>", "auth_bridge", self._view, methods=["GET", "POST"], provide_automatic_options=False
        )

    def _view(self, action: str, **captured: Any) -> Any:  # by a prefix such as /<site>/auth
        reply = self._reply(action)
        response = Response(reply.body, status=reply.status, headers=reply.headers)
        for name, value, is_secure in reply.cookies:
            response.set_cookie(name, value, secure=is_secure, httponly=True, samesite="Lax")
        return response

    _view.login_required = False  # type: ignore[attr-defined]  # for `flask.require_login` of a whole app

    def _reply(self, action: str) -> Reply:
        # The proxy would look for it with each attribute.
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]
        try:
            fields = self._fields() if asked.method == "POST" else {}
        except BadRequest as error:
            return error.reply()
        origin = self.url or origin_of(asked.scheme, asked.host)
        mounted = asked.script_root + asked.path.removesuffix(action).rstrip("/")
        visit = Visit(
            method=asked.method,
            base=origin + mounted,
            action=action,
            query=asked.args.to_dict(),
            header=asked.headers.get,
            cookies=asked.cookies,
            fields=fields,
        )
        return self.bridge.answer(visit, _Accounts(self))

    def _fields(self) -> Mapping[str, Any]:
        if request.content_length is None:
            raise BadRequest(411, "Error: a form here says how long it is (Content-Length)")
        check_length(request.content_length)
        # What runs before every view may have read the form already, and it cannot be read twice.
        body = request.get_data()
        return parse_fields(request.content_type or "", body) if body else request.form.to_dict()


def _forget(app: Flask, **_: Any) -> None:
    forget_sessions()


class _Accounts:
    """Flask-Login, for the request that Flask is at."""

    def __init__(self, bridge: FlaskBridge) -> None:
        self.bridge = bridge

    def who(self) -> SignedIn | None:
        user = current_user._get_current_object()
        # Flask-Login loads whom it has let in once, whether somebody has deactivated them since or not.
        if user is None or not user.is_authenticated or not user.is_active:
            return None
        return SignedIn(self.bridge.describe(user), user, _end_of_session())

    def sign_in(self, fields: Mapping[str, str]) -> bool:
        bridge = self.bridge
        if bridge.may_try is not None and not bridge.may_try(fields):
            raise SignInRefused("TooManyRequests")
        given = bridge.named.of(fields)
        return self._is_signed_in(None if given is None else bridge.authenticate(**given))

    def _is_signed_in(self, user: Any) -> bool:
        """Whether Flask-Login takes them, from now on."""
        if user is None or not user.is_active:
            return False
        if current_user.is_authenticated and current_user.get_id() != user.get_id():
            logout_user()  # or the browser would still remember them, and the app not know that they have left
        login_user(user, remember=self.bridge.remember)
        _renew_session()
        return True

    def sign_out(self) -> None:
        logout_user()

    def update(self, data: Any) -> None:
        if self.bridge.update is not None:
            self.bridge.update(data)

    def providers(self) -> list[Provider]:
        return registered(self.bridge.oauth, self.bridge.provider_names)

    def begin(self, provider: str, redirect_uri: str, callback_url: str, parameters: Mapping[str, str]) -> str:
        try:
            authorization = self._client(provider).create_authorization_url(redirect_uri)
            return begin(session, provider, authorization, callback_url, parameters)
        except Exception as problem:  # whatever a foreign server does is no fault of the app's
            log_failure(provider, problem)
            raise SignInRefused("OAuthSignin") from None

    def end(self, provider: str, state: str) -> Begun | None:
        return end(session, provider, state)

    def finish(self, begun: Begun, redirect_uri: str, code: str) -> bool:
        try:
            token, userinfo = self._ask(begun, redirect_uri, code)
        except Exception as problem:
            log_failure(begun.provider, problem)
            raise SignInRefused("OAuthCallback") from None
        more = {"token": token} if self.bridge.takes_token else {}
        assert self.bridge.sign_in_with is not None
        return self._is_signed_in(self.bridge.sign_in_with(begun.provider, userinfo, **more))

    def _ask(self, begun: Begun, redirect_uri: str, code: str) -> tuple[Any, Mapping[str, Any]]:
        """The tokens for that code, and what the provider says of the person."""
        client = self._client(begun.provider)
        token = client.fetch_access_token(**token_request(begun, redirect_uri, code))
        if "id_token" in token and begun.nonce is not None:
            options = claims_options(client.load_server_metadata())
            userinfo = client.parse_id_token(token, nonce=begun.nonce, claims_options=options)
            check_audience(userinfo, client.client_id)
        elif "userinfo_endpoint" in client.load_server_metadata():
            userinfo = client.userinfo(token=token)
        else:
            raise ValueError(no_userinfo(begun.provider))
        return token, said(begun, userinfo)

    def _client(self, provider: str) -> Any:
        client = self.bridge.oauth.create_client(provider)
        client.client_kwargs.setdefault("default_timeout", TIMEOUT)  # requests would wait for ever
        return client


def _renew_session() -> None:
    """Another id for a session that the server keeps (Flask-Session), which somebody may have put into this browser."""
    regenerate = getattr(current_app.session_interface, "regenerate", None)
    if regenerate is not None:
        regenerate(session)


def _end_of_session() -> datetime:
    """When Flask's session ends, if nobody uses it any more: so long after its cookie was written."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    kept: SessionMixin = session._get_current_object()  # type: ignore[attr-defined]
    lifetime: timedelta = app.permanent_session_lifetime
    interface = app.session_interface
    cookie = request.cookies.get(interface.get_cookie_name(app), "")
    if cookie and not kept.modified and not interface.should_set_cookie(app, kept):
        written = _written(cookie, interface)
        if written is not None:
            return written + lifetime
    return datetime.now(timezone.utc) + lifetime


def _written(cookie: str, interface: Any) -> datetime | None:
    """When the cookie was written that Flask has read the session of this request from; `None` for one of another kind.

    It holds the time of its signature, which Flask has checked where what is in its own session came from there. Where
    the app has put it there, the cookie says what its sender likes, of the sender's own session.
    """
    if type(interface) is SecureCookieSessionInterface and session:
        try:
            stamp = int.from_bytes(base64_decode(cookie.split(".")[-2]), "big")
            return min(datetime.fromtimestamp(stamp, timezone.utc), datetime.now(timezone.utc))
        except (BadData, IndexError, ValueError, OverflowError, OSError):
            return None
    serializer: Any = getattr(interface, "get_signing_serializer", lambda app: None)(current_app)
    if serializer is None:
        return None
    try:
        written: datetime = serializer.make_signer(serializer.salt).unsign(cookie, return_timestamp=True)[1]
    except BadData:  # a session that is kept elsewhere has an id there
        return None
    return written
