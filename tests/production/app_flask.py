"""Flask with Flask-Login, the bridge and a guarded view, as it is set behind a proxy that ends https."""

from typing import Any

from flask import Flask, g, request
from flask_login import LoginManager, UserMixin
from nextauth_server import AuthBridge, login_required
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.production.accounts import HOSTS, PEOPLE, SECRET, port

app = Flask("app")
app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
app.config.update(SECRET_KEY=SECRET, SESSION_COOKIE_SECURE=True, TRUSTED_HOSTS=HOSTS)
manager = LoginManager(app)


class User(UserMixin):
    def __init__(self, username: str) -> None:
        self.id = username
        _, self.name, self.email = PEOPLE[username]


manager.user_loader(User)


def check(username: str, password: str) -> User | None:
    return User(username) if username in PEOPLE and PEOPLE[username][0] == password else None


app.register_blueprint(AuthBridge.flask_login(manager, authenticate=check).blueprint)


@app.get("/api/account")
@login_required
def account() -> Any:
    return {"name": g.nextauth_session.user.name}


@app.get("/api/address")
def address() -> Any:
    return {"address": request.remote_addr}


if __name__ == "__main__":
    app.run(port=port())
