"""The pages that work without JavaScript: sign-in, sign-out, errors, the inbox and the identity provider."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

# Nothing inline, nothing foreign: the pages need one style sheet and perhaps a picture of their own.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
}

_ANOTHER_ACCOUNT = "Try signing in with a different account."

_FAILED = "Signing in did not work. Please try again."
_STALE = "This page was open for too long. Please try again."

# What the sign-in page says of an error.
SIGN_IN_ERRORS = {
    "Signin": _ANOTHER_ACCOUNT,
    "OAuthSignin": _ANOTHER_ACCOUNT,
    "OAuthCallback": _ANOTHER_ACCOUNT,
    "OAuthCallbackError": _ANOTHER_ACCOUNT,  # v5's name for it
    "OAuthCreateAccount": _ANOTHER_ACCOUNT,
    "EmailCreateAccount": _ANOTHER_ACCOUNT,
    "Callback": _ANOTHER_ACCOUNT,
    "OAuthAccountNotLinked": "To confirm your identity, sign in with the same account you used originally.",
    "EmailSignin": "The e-mail could not be sent.",
    "CredentialsSignin": "Sign in failed. Check the details you provided are correct.",
    "SessionRequired": "Please sign in to access this page.",
    "MissingCSRF": _STALE,  # v5's name for `csrf=true`
    "TooManyRequests": "There were too many attempts. Please wait some minutes, then try again.",
}

# The errors with a page of their own: status, heading, text. v4 compares them in lower case.
_ERROR_PAGES = {
    "configuration": (
        500,
        "Server error",
        "There is a problem with the server configuration. Check the server logs for more information.",
    ),
    "accessdenied": (403, "Access denied", "You do not have permission to sign in."),
    "verification": (
        403,
        "Unable to sign in",
        "The sign in link is no longer valid. It may have been used already or it may have expired.",
    ),
}


def sign_in(
    *,
    base_path: str,
    csrf_token: str,
    callback_url: str,
    error: str | None = None,
    csrf_failed: bool = False,
    hint: str | None = None,
    with_email: bool = False,
    providers: Sequence[tuple[str, str]] = (),
) -> str:
    """``providers`` are the ids and the names of those that are signed in at elsewhere."""
    message = SIGN_IN_ERRORS.get(error, "Unable to sign in.") if error else ""
    if csrf_failed:
        message = _STALE
    alert = f'<p class="alert" role="alert">{escape(message)}</p>' if message else ""
    demo_users = f'<p class="hint">Demo users: {escape(hint)}</p>' if hint else ""
    others = "".join(_provider_form(id, name, base_path, csrf_token, callback_url) for id, name in providers)
    return page(
        "Sign in",
        base_path,
        f"""{alert}
<form method="post" action="{escape(base_path)}/callback/credentials">
{_hidden(csrf_token, callback_url)}
<label for="username">Username</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Sign in</button>
</form>
{demo_users}{_email_form(base_path, csrf_token, callback_url) if with_email else ""}{others}""",
    )


def _provider_form(id: str, name: str, base_path: str, csrf_token: str, callback_url: str) -> str:
    return f"""
<form class="other provider" method="post" action="{escape(base_path)}/signin/{escape(id)}">
{_hidden(csrf_token, callback_url)}
<button>Sign in with {escape(name)}</button>
</form>"""


def _email_form(base_path: str, csrf_token: str, callback_url: str) -> str:
    return f"""
<form class="other" method="post" action="{escape(base_path)}/signin/email">
{_hidden(csrf_token, callback_url)}
<label for="email">E-mail</label>
<input id="email" name="email" type="email" autocomplete="email" required>
<button>Send me a link</button>
</form>"""


def verify_request(*, base_path: str, has_inbox: bool) -> str:
    inbox = '<p><a href="/dev/inbox">Open the development inbox</a></p>' if has_inbox else ""
    return page("Check your e-mail", base_path, f"<p>A sign in link has been sent to your address.</p>{inbox}")


def inbox(mails: Sequence[tuple[str, str, str]], *, base_path: str) -> str:
    """The mails that were sent, as address, link and time, the newest first."""
    items = "".join(
        f'<li><strong>{escape(to)}</strong> {escape(sent)}<br><a href="{escape(link)}">Sign in as {escape(to)}</a></li>'
        for to, link, sent in mails
    )
    content = f'<ul class="mails">{items}</ul>' if items else "<p>No mail yet.</p>"
    return page("Development inbox", base_path, content)


def identity_provider(
    *,
    action: str,
    base_path: str,
    client: str,
    users: Sequence[tuple[str, str, str]],
    hint: str,
    failed: bool,
) -> str:
    """The page of `/dev/idp`. ``users`` are keys, names and addresses; ``hint`` is whom the page asks for."""
    message = "Pick a user, or type the e-mail address of another one."
    alert = f'<p class="alert" role="alert">{message}</p>' if failed else ""
    hinted = next((key for key, _, email in users if hint and hint.lower() in (key.lower(), email.lower())), "")
    typed = hint if hint and not hinted else ""
    picked = hinted or ("" if failed or typed or not users else users[0][0])
    choices = "".join(
        f'<label class="choice"><input type="radio" name="user" value="{escape(key)}"'
        f"{' checked' if key == picked else ''}><span>{escape(name)}<br><small>{escape(email)}</small></span></label>"
        for key, name, email in users
    )
    return page(
        "Development ID",
        base_path,
        f"""{alert}<p><strong>{escape(client)}</strong> wants to know who you are: your name, your e-mail address
and your picture.</p>
<form method="post" action="{escape(action)}">
<fieldset><legend>Sign in as</legend>
{choices}
<label class="choice"><input type="radio" name="user" value=""{"" if picked else " checked"}>
<span>Somebody else:</span></label>
<label for="name">Name</label>
<input id="name" name="name" autocomplete="off">
<label for="email">E-mail</label>
<input id="email" name="email" autocomplete="off" inputmode="email" value="{escape(typed)}">
</fieldset>
<button name="decision" value="allow">Allow</button>
<button class="second" name="decision" value="refuse">Refuse</button>
</form>
<p class="hint">For development: no password is asked for.</p>""",
    )


def sign_out(*, base_path: str, csrf_token: str, callback_url: str) -> str:
    return page(
        "Sign out",
        base_path,
        f"""<p>Are you sure you want to sign out?</p>
<form method="post" action="{escape(base_path)}/signout">
{_hidden(csrf_token, callback_url)}
<button>Sign out</button>
</form>""",
    )


def error(code: str, *, base_path: str, home: str) -> tuple[str, int]:
    """The page for an error code, and its status."""
    unknown = (200, "Error", SIGN_IN_ERRORS.get(code, _FAILED))
    status, heading, text = _ERROR_PAGES.get(code.lower(), unknown)
    links = [(home, f"Back to {home.partition('://')[2]}")]
    if status != 500:
        links.insert(0, (f"{base_path}/signin", "Sign in"))
    ways = "".join(f'<p><a href="{escape(url)}">{escape(name)}</a></p>' for url, name in links)
    return page(heading, base_path, f"<p>{escape(text)}</p>{ways}"), status


def _hidden(csrf_token: str, callback_url: str) -> str:
    return (
        f'<input type="hidden" name="csrfToken" value="{escape(csrf_token)}">'
        f'<input type="hidden" name="callbackUrl" value="{escape(callback_url)}">'
    )


def page(title: str, base_path: str, content: str, *, wide: bool = False) -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="{escape(base_path)}/assets/icon.svg">
<link rel="stylesheet" href="{escape(base_path)}/assets/style.css">
</head>
<body>
<main{' class="wide"' if wide else ""}>
<h1>{escape(title)}</h1>
{content}
</main>
</body>
</html>
"""
