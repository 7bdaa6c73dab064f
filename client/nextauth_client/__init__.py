"""A reactive client for NextAuth-compatible backends, for Python in the browser: `next-auth/client` in Python."""

from .api import (
    auth_fetch,
    bind,
    component,
    explain_error,
    get_csrf_token,
    get_providers,
    get_session,
    on_session_change,
    require_session,
    sign_in,
    sign_out,
    update_session,
    use_session,
)
from .errors import (
    BackendUnreachable,
    CookiesBlocked,
    CSRFRefused,
    NextAuthError,
    NotAvailableHere,
    PopupBlocked,
    PopupClosed,
    PopupFailed,
    PopupTimedOut,
    UnexpectedAnswer,
    UnsafeURL,
)
from .host import Response
from .provider import Provider
from .reactive import effect
from .session import AuthProvider, Session, SessionState, SignInResult, SignOutResult, User

__version__ = "0.1.0"

__all__ = [
    "AuthProvider",
    "BackendUnreachable",
    "CSRFRefused",
    "CookiesBlocked",
    "NextAuthError",
    "NotAvailableHere",
    "PopupBlocked",
    "PopupClosed",
    "PopupFailed",
    "PopupTimedOut",
    "Provider",
    "Response",
    "Session",
    "SessionState",
    "SignInResult",
    "SignOutResult",
    "UnexpectedAnswer",
    "UnsafeURL",
    "User",
    "auth_fetch",
    "bind",
    "component",
    "effect",
    "explain_error",
    "get_csrf_token",
    "get_providers",
    "get_session",
    "on_session_change",
    "require_session",
    "sign_in",
    "sign_out",
    "update_session",
    "use_session",
]
