"""Who sent this request? The sessions of NextAuth.js v3, v4 and Auth.js v5 on a Python server."""

from .auth_bridge import AuthBridge
from .bridge import SignInRefused
from .embed import session_script
from .finding import forget_sessions
from .guards import login_required, session_dependency
from .proxy import auth_proxy
from .questions import (
    get_csrf_token,
    get_csrf_token_sync,
    get_providers,
    get_providers_sync,
    get_session,
    get_session_sync,
)
from .reading import DatabaseSession, TokenSession, read_session

__all__ = [
    "AuthBridge",
    "DatabaseSession",
    "SignInRefused",
    "TokenSession",
    "auth_proxy",
    "forget_sessions",
    "get_csrf_token",
    "get_csrf_token_sync",
    "get_providers",
    "get_providers_sync",
    "get_session",
    "get_session_sync",
    "login_required",
    "read_session",
    "session_dependency",
    "session_script",
]
