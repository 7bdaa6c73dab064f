"""reaktiv: the session is one signal among the page's own."""

import nextauth_client
from nextauth_client import Provider, sign_in, sign_out, use_session
from pyscript import document, when
from reaktiv import Computed, Effect, Signal

Provider()
name = Signal(None)
status = Signal("loading")
loud = Signal(False)


@nextauth_client.effect
def mirror():
    state = use_session()
    user = state.session.user if state.session else None
    name.set(user.name or user.email or "somebody" if user else None)
    status.set(state.status)


@Computed
def greeting():
    words = {"loading": "Loading", "unauthenticated": "Not signed in"}.get(status(), f"Signed in as {name()}")
    return words.upper() if loud() else words


who = document.querySelector("#who").firstChild


def show():
    who.data = greeting()
    document.querySelector("#in").hidden = status() != "unauthenticated"
    document.querySelector("#out").hidden = status() != "authenticated"


showing = Effect(show)
when("click", "#in")(lambda event: sign_in())
when("click", "#out")(lambda event: sign_out(redirect=False))
when("click", "#shout")(lambda event: loud.update(lambda value: not value))
