"""FastAPI with functions of its own, the bridge and a guarded view, as it is set behind a proxy that ends https."""

from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Request
from nextauth_client import Session
from nextauth_server import AuthBridge, session_dependency
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from tests.production.accounts import HOSTS, PEOPLE, SECRET, port

SignedIn = Annotated[Session, Depends(session_dependency())]


def user_of(request: Request) -> dict[str, Any] | None:
    username = request.session.get("user")
    return {"name": PEOPLE[username][1], "email": PEOPLE[username][2]} if username in PEOPLE else None


def sign_in(request: Request, username: str, password: str) -> bool:
    if username not in PEOPLE or PEOPLE[username][0] != password:
        return False
    request.session["user"] = username
    return True


def sign_out(request: Request) -> None:
    request.session.clear()


app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=SECRET, https_only=True)
app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
app.mount("/api/auth", AuthBridge(user_of=user_of, sign_in=sign_in, sign_out=sign_out, secret=SECRET))


@app.get("/api/account")
async def account(session: SignedIn) -> Any:
    return {"name": session.user.name}


@app.get("/api/address")
async def address(request: Request) -> Any:
    return {"address": request.client.host if request.client else None}


if __name__ == "__main__":
    uvicorn.run(app, port=port(), proxy_headers=True, log_level="warning")
