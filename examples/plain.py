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
    # A name is text, and pyscript.web takes what stands inside the brackets for HTML. It may be written from right to
    # left, or turn the direction: dir="auto" keeps that from the button after it, as <bdi> does.
    name = web.b(textContent=session.user.name or session.user.email or "somebody", dir="auto")
    return ["Signed in as ", name, " ", web.button("Sign out", on_click=lambda event: sign_out(redirect=False))]
