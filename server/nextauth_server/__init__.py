"""Who sent this request? The sessions of NextAuth.js v3, v4 and Auth.js v5 on a Python server."""

from .embed import session_script
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

__all__ = [
    "auth_proxy",
    "get_csrf_token",
    "get_csrf_token_sync",
    "get_providers",
    "get_providers_sync",
    "get_session",
    "get_session_sync",
    "login_required",
    "session_dependency",
    "session_script",
]
