"""Flask with Flask-Login, and the bridge."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import flask
import flask_login
from markupsafe import escape
from nextauth_server import AuthBridge, SignInRefused

from tests.backends.python.site import ADDITIONS, OPTIONS, PAGE, PEOPLE, SIGN_IN_PAGE, serve

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
        _, name, self.email, self.image = PEOPLE.get(username, ("", username, "echo@example.com", None))
        self.name = flask.session.get("name") or name


manager.user_loader(User)


def check(username: str, password: str) -> User | None:
    if username == "throw":
        raise SignInRefused("Custom failure")
    if username == "mallory":
        raise SignInRefused("AccessDenied")
    if password != "echo" and (username not in PEOPLE or PEOPLE[username][0] != password):
        return None
    flask.session.permanent = True
    flask.session.pop("name", None)
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


bridge = AuthBridge.flask_login(
    manager,
    authenticate=check,
    describe_user=lambda user: {"name": user.name, "email": user.email, "image": user.image},
    session_callback=lambda session, user: {**session, **ADDITIONS},
    update=rename,
    allowed_origins=[OPTIONS["allow"]] if OPTIONS["allow"] else [],
)
app.register_blueprint(bridge.blueprint)


def run() -> None:
    serve(app)
