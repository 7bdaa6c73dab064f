"""The page's elements are made by pyscript.web, and follow the session."""

from nextauth_client import Provider, component, sign_in, sign_out, use_session
from pyscript import web

Provider()


@component("#who")
def who():
    session, loading = use_session()
    if loading:
        return "Loading"
    if not session:
        return ["Not signed in ", web.button("Sign in", on_click=lambda event: sign_in())]
    name = session.user.name or session.user.email or "somebody"
    return [
        "Signed in as ",
        # textContent, because pyscript.web takes what stands inside the brackets for HTML. dir="auto", as <bdi> does,
        # keeps a name that is written from right to left, or turns the direction, from the button after it.
        web.b(textContent=name, dir="auto"),
        " ",
        web.button("Sign out", on_click=lambda event: sign_out(redirect=False)),
    ]
