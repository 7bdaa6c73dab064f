"""Flask with Flask-Login, and the bridge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import flask
import flask_login
from authlib.integrations.flask_client import OAuth
from markupsafe import escape
from nextauth_server import AuthBridge, SignInRefused

from tests.backends.python.site import ADDITIONS, OIDC, OPTIONS, PAGE, PEOPLE, SIGN_IN_PAGE, may_come, serve

app = flask.Flask("app")
app.secret_key = "of a test"
app.permanent_session_lifetime = timedelta(seconds=OPTIONS["maxAge"])
app.config["SESSION_REFRESH_EACH_REQUEST"] = OPTIONS["strategy"] == "jwt"
manager = flask_login.LoginManager(app)
manager.login_view = "sign_in_page"


class User(flask_login.UserMixin):
    """Somebody of `PEOPLE`, or whoever said so. Their id is the name that was typed."""

    def __init__(self, username: str) -> None:
        self.id = username
        _, name, email, self.image = PEOPLE.get(username, ("", username, "echo@example.com", None))
        self.name = flask.session.get("name") or name
        self.email = flask.session.get("email") or email


manager.user_loader(User)


def check(username: str, password: str) -> User | None:
    if username == "throw":
        raise SignInRefused("Custom failure")
    if username == "mallory":
        raise SignInRefused("AccessDenied")
    if password != "echo" and (username not in PEOPLE or PEOPLE[username][0] != password):
        return None
    return somebody(username)


def sign_in_with(provider: str, userinfo: Mapping[str, Any], token: Mapping[str, Any]) -> User | None:
    if not may_come(userinfo, token):
        return None
    return somebody(f"{provider} {userinfo['sub']}", name=userinfo["name"], email=userinfo["email"])


def somebody(username: str, **said: str) -> User:
    flask.session.clear()
    flask.session.permanent = True
    flask.session.update(said)
    return User(username)


def rename(data: Any) -> None:
    flask.session["name"] = flask_login.current_user.name = data["name"]


@app.route(SIGN_IN_PAGE, methods=["GET", "POST"])
def sign_in_page() -> Any:
    if flask.request.method == "POST":
        user = check(**flask.request.form)
        if user is not None and flask_login.login_user(user):
            return flask.redirect(flask.request.args["next"])
    return PAGE % (escape(flask.request.args.get("error", "")), "")


oauth = OAuth(app)
oauth.register("oidc", **OIDC)
bridge = AuthBridge.flask_login(
    manager,
    authenticate=check,
    describe_user=lambda user: {"name": user.name, "email": user.email, "image": user.image},
    session_callback=lambda session, user: {**session, **ADDITIONS},
    update=rename,
    providers=oauth,
    provider_names={"oidc": "Identity provider"},
    sign_in_with=sign_in_with,
    sign_in_page=OPTIONS["pages"].get("signIn"),
    allowed_origins=[OPTIONS["allow"]] if OPTIONS["allow"] else [],
)
app.register_blueprint(bridge.blueprint)


def run() -> None:
    serve(app)
