"""What can go wrong, by kind, and the words for it.

    NextAuthError
    ├── BackendUnreachable   nothing came back: network, time-out, or the page is offline
    ├── UnexpectedAnswer     something came back that is not the /api/auth protocol
    ├── CSRFRefused          the backend refused the CSRF token, twice
    │   └── CookiesBlocked   because the browser keeps no cookies for this page
    ├── UnsafeURL            the backend named a URL that a page must not go to
    ├── PopupFailed          the window for a sign-in
    │   ├── PopupBlocked     was not opened by the browser
    │   ├── PopupClosed      was closed before anybody had signed in
    │   └── PopupTimedOut    hides from the page, and nothing was heard of it
    └── NotAvailableHere     this call has no meaning where it was made (a server, a worker)

Knows no other module. What the backend *answers* (a wrong password, say) is not an error but a result: see
`session.SignInResult`.
"""


class NextAuthError(Exception):
    """Base of every error this package raises on purpose.

    `code` is the field's own term where one exists, `message` a sentence that says what to do next. Neither ever
    holds a form field or a token.
    """

    code = "NextAuthError"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NextAuthError) and (self.code, self.message) == (other.code, other.message)

    def __hash__(self) -> int:
        return hash((self.code, self.message))


class BackendUnreachable(NextAuthError):
    """Nothing came back from the backend, so nothing is known about who is signed in."""

    code = "ClientFetchError"


class UnexpectedAnswer(NextAuthError):
    """An answer came that the /api/auth protocol does not know: a 5xx, HTML, bad JSON, an empty body, a redirect."""

    code = "UnexpectedAnswer"


class CSRFRefused(NextAuthError):
    """The backend refused a CSRF token that had just been fetched; nothing has changed."""

    code = "MissingCSRF"


class CookiesBlocked(CSRFRefused):
    """The backend refused a CSRF token because the browser blocks its cookie; the person has to allow it."""

    code = "CookiesBlocked"


class UnsafeURL(NextAuthError):
    """A URL that is not http(s), where the page was to go; the page stayed where it is."""

    code = "UnsafeURL"


class PopupFailed(NextAuthError):
    """Nobody has signed in in the window of `sign_in(popup=True)`; one of the three below."""

    code = "PopupFailed"


class PopupBlocked(PopupFailed):
    """The browser opened none."""

    code = "PopupBlocked"


class PopupClosed(PopupFailed):
    """It was closed before anybody had signed in."""

    code = "PopupClosed"


class PopupTimedOut(PopupFailed):
    """It hides from the page (`Cross-Origin-Opener-Policy`), and nothing was heard of it for minutes."""

    code = "PopupTimedOut"


class NotAvailableHere(NextAuthError):
    """The call belongs in a page, and this is not one (or the other way round)."""

    code = "NotAvailableHere"


KINDS = (
    BackendUnreachable,
    UnexpectedAnswer,
    CSRFRefused,
    CookiesBlocked,
    UnsafeURL,
    PopupFailed,
    PopupBlocked,
    PopupClosed,
    PopupTimedOut,
    NotAvailableHere,
)


def revive(code: str, message: str) -> NextAuthError:
    """The error that another tab described; an unknown code gives a plain `NextAuthError`."""
    for kind in KINDS:
        if kind.code == code:
            return kind(message)
    return NextAuthError(message)


# The codes a backend puts into a URL or a result (PROTOCOL.md, rows "Wrong password" to "OAuth failures").
_SENTENCES = {
    "CredentialsSignin": "Sign in failed. Check that what you typed is correct.",
    "EmailSignin": "The e-mail could not be sent. Check the address and try again.",
    "OAuthSignin": "The sign-in service could not be reached. Try again, or choose another way to sign in.",
    "OAuthCallback": "The sign-in service did not let you in. Try again, or choose another way to sign in.",
    "OAuthCallbackError": "The sign-in service did not let you in. Try again, or choose another way to sign in.",
    "OAuthCreateAccount": "Your account could not be created. Try again, or choose another way to sign in.",
    "EmailCreateAccount": "Your account could not be created. Try again, or choose another way to sign in.",
    "Callback": "Signing in could not be completed. Try again.",
    "OAuthAccountNotLinked": "Your account has another way to sign in. Sign in the way you did the first time.",
    "AccountNotLinked": "Your account has another way to sign in. Sign in the way you did the first time.",
    "WebAuthnVerificationError": "Your passkey was not accepted. Try again, or choose another way to sign in.",
    "AccessDenied": "You are not allowed to sign in here.",
    "Verification": "This sign-in link is no longer valid: it was used already, or it is too old. Ask for a new one.",
    "SessionRequired": "Please sign in to see this page.",
    "Configuration": "The server is not set up correctly for this way to sign in. Tell whoever runs this site.",
    # What v4 says of a mail's link without its token, and of nothing else.
    "configuration": "This sign-in link is incomplete. Copy all of it from the e-mail, or ask for a new one.",
    "MissingCSRF": "The server did not accept the form. Allow cookies for this site, reload the page and try again.",
    "CookiesBlocked": "Your browser blocks cookies. Allow them for this site, reload the page and try again.",
    "ClientFetchError": "The server cannot be reached just now. Check your connection and try again.",
    "TooManyRequests": "There were too many attempts. Wait a minute and try again.",
    "UnsafeURL": "The server gave an unsafe address, so this page stayed here. Tell whoever runs this site.",
    "PopupBlocked": "Your browser opened no sign-in window. Allow pop-ups for this site and try again.",
    "PopupClosed": "The sign-in window was closed before you had signed in. Try again.",
    "PopupTimedOut": "Nothing was heard of the sign-in window for too long. Close it and try again.",
    "NotAvailableHere": "That does not work here. Tell whoever runs this site.",
    "UnexpectedAnswer": "The server has a problem. Try again in a moment.",
}
_OTHERWISE = "Something went wrong while signing in. Try again."


def explain_error(code: "str | None", messages: "dict[str, str] | None" = None) -> str:
    """A sentence for people about an error `code`, as results, `.error.code` and `?error=` in a URL carry it.

    `messages` replaces or adds sentences by code (for translation); its key `"default"` serves codes nobody knows.
    `None` or an empty code gives an empty text: nothing went wrong.
    """
    if not code:
        return ""
    if messages and code in messages:
        return messages[code]
    if code in _SENTENCES:
        return _SENTENCES[code]
    return (messages or {}).get("default", _OTHERWISE)


def is_error_code(code: "str | None") -> bool:
    """Whether `code` is one that backends put into a page's URL after a failed sign-in."""
    return code in _SENTENCES
