"""A page, and the app whose users sign in to it: Flask, Flask-Login and SQLite."""

import argparse
from getpass import getpass
from pathlib import Path

import users
from flask import Flask, abort, send_from_directory
from flask_login import LoginManager, current_user, login_required
from nextauth_server import AuthBridge

app = Flask(__name__)
app.secret_key = users.secret_key()
# Where others reach it, by https: app.config["SESSION_COOKIE_SECURE"] = True

login_manager = LoginManager(app)
login_manager.user_loader(users.of_session)
bridge = AuthBridge.flask_login(login_manager, authenticate=users.check, sign_in_page="/")
app.register_blueprint(bridge.blueprint)


@app.get("/api/account")
@login_required
def account():
    return {"username": current_user.username, "member_since": current_user.member_since}


@app.get("/")
@app.get("/<path:name>")
def page(name="index.html"):
    if any(part.startswith(".") and part != ".well-known" for part in Path(name).parts):
        abort(404)
    return send_from_directory("pages", name)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--user", metavar="NAME", help="add somebody, or give them another password, and end")
    options = parser.parse_args()
    if options.user:
        users.save(options.user, getpass(f"Password of {options.user}: "))
    else:
        users.add_first()
        app.run(port=options.port)


if __name__ == "__main__":
    main()
