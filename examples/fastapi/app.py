"""A page, and the app whose users sign in to it: FastAPI and SQLite."""

import argparse
from getpass import getpass
from pathlib import Path
from typing import Annotated

import users
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.staticfiles import StaticFiles
from nextauth_server import AuthBridge
from starlette.middleware.sessions import SessionMiddleware

SECRET = users.secret_key()


def signed_in(request: Request):
    """The user who has sent a request. A route that asks for it is for people who are signed in."""
    user = users.of_session(request.session.get("user"))
    if user is None:
        raise HTTPException(401)
    return user


def user_of(request):
    """What pages may know of who is signed in, or None."""
    user = users.of_session(request.session.get("user"))
    return {"name": user.name} if user else None


def sign_in(request, username, password):
    user = users.check(username, password)
    if user is not None:
        request.session.clear()  # what it holds is of whoever was here before
        request.session["user"] = user.key
    return user is not None


def sign_out(request):
    request.session.clear()


class Pages(StaticFiles):
    """The browser asks each time whether a file has changed, and gets none whose name begins with a dot."""

    def lookup_path(self, path):
        if any(part.startswith(".") and part != ".well-known" for part in Path(path).parts):
            return "", None
        return super().lookup_path(path)

    def file_response(self, *arguments, **keywords):
        response = super().file_response(*arguments, **keywords)
        response.headers["Cache-Control"] = "no-cache"
        return response


app = FastAPI()
# Where others reach it, by https: https_only=True, too.
app.add_middleware(SessionMiddleware, secret_key=SECRET)
bridge = AuthBridge(user_of=user_of, sign_in=sign_in, sign_out=sign_out, secret=SECRET, sign_in_page="/")
app.mount("/api/auth", bridge)


@app.get("/api/account")
def account(user: Annotated[users.User, Depends(signed_in)]):
    return {"username": user.username, "member_since": user.member_since}


# The last one: it takes every path that is left.
app.mount("/", Pages(directory=Path(__file__).resolve().parent / "pages", html=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--user", metavar="NAME", help="add somebody, or give them another password, and end")
    options = parser.parse_args()
    if options.user:
        users.save(options.user, getpass(f"Password of {options.user}: "))
    else:
        users.add_first()
        uvicorn.run(app, port=options.port)


if __name__ == "__main__":
    main()
