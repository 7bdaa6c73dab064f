"""A sign-in page of a site's own: every provider that the backend has, and back to where the visitor came from.

NextAuth.js leads here with `pages: { signIn: "/sign_in/" }`, an AuthBridge with `sign_in_page="/sign_in/"`.
"""

import asyncio

from nextauth_client import NextAuthError, Provider, effect, explain_error, get_providers, sign_in, use_session
from pyscript import document, when, window

Provider()
query = window.URL.new(window.location.href).searchParams
# The backend, which is asked with each sign-in, leads to its own origin only, whatever stands there.
back = query.get("callbackUrl") or query.get("next") or "/"


running = []  # an event loop keeps only weak references to its tasks


def start(coroutine):
    running.append(asyncio.create_task(coroutine))


def element(name):
    return document.getElementById(name)


def tell(text):
    element("problem").textContent = text


@effect
def show():
    """Follow the session: somebody may have signed in in another tab."""
    session, loading = use_session()
    name = (session.user.name or session.user.email or "somebody") if session else None
    text = "Loading" if loading else f"Signed in as {name}" if session else "Choose how to sign in"
    element("status").firstChild.data = text


async def enter(provider, **fields):
    tell("")
    try:
        result = await sign_in(provider, redirect=False, callback_url=back, **fields)
    except NextAuthError as error:
        return tell(error.message)
    if result.error:
        tell(explain_error(result.error))
    elif provider == "email":
        element("status").textContent = "A link is on its way to you."
    else:
        window.location.assign(result.url)


def served_by(form, provider, names):
    """Show the form, and have it sign in. It is kept from leaving at once, and the rest is a task."""

    def submit(event):
        event.preventDefault()
        start(enter(provider, **{name: form.elements.namedItem(name).value for name in names}))

    when("submit", form)(submit)
    form.hidden = False


def button_to(provider):
    button = document.createElement("button")
    button.type = "button"
    button.textContent = f"With {provider.name}"
    when("click", button)(lambda event: sign_in(provider.id, callback_url=back))
    element("others").append(button)


async def offer():
    if query.get("error"):
        tell(explain_error(query.get("error")))
    try:
        providers = await get_providers()
    except NextAuthError as error:
        return tell(error.message)
    for provider in providers.values():
        if provider.type == "credentials":
            served_by(element("credentials"), provider.id, ["username", "password"])
        elif provider.type == "email":
            served_by(element("email"), provider.id, ["email"])
        else:
            button_to(provider)


start(offer())
