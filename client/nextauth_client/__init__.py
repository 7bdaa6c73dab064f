"""A reactive client for NextAuth-compatible backends, for Python in the browser: `next-auth/client` in Python."""

from .errors import (
    BackendUnreachable,
    CSRFRefused,
    NextAuthError,
    NotAvailableHere,
    PopupFailed,
    UnexpectedAnswer,
    UnsafeURL,
)
from .provider import (
    Provider,
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
from .reactive import effect
from .session import AuthProvider, Session, SessionState, SignInResult, SignOutResult, User

__version__ = "0.1.0"

__all__ = [
    "AuthProvider",
    "BackendUnreachable",
    "CSRFRefused",
    "NextAuthError",
    "NotAvailableHere",
    "PopupFailed",
    "Provider",
    "Session",
    "SessionState",
    "SignInResult",
    "SignOutResult",
    "UnexpectedAnswer",
    "UnsafeURL",
    "User",
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
