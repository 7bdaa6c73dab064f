"""FastAPI beside an Auth.js server whose cookies it reads with the shared secret."""

import os
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Request
from nextauth_client import Session
from nextauth_server import session_dependency

from tests.production.accounts import port

SignedIn = Annotated[Session, Depends(session_dependency(secret=os.environ["AUTH_SECRET"]))]

app = FastAPI()


@app.get("/api/account")
async def account(session: SignedIn) -> Any:
    return {"name": session.user.name}


@app.get("/api/address")
async def address(request: Request) -> Any:
    return {"address": request.client.host if request.client else None}


if __name__ == "__main__":
    uvicorn.run(app, port=port(), proxy_headers=True, log_level="warning")
