from nextauth_client import Provider, effect, use_session
from pyscript import document

Provider()


@effect
def show():
    session, loading = use_session()
    who = "Loading" if loading else "Not signed in"
    if session:
        name = session.user.name or session.user.email or "somebody"
        who = f"Signed in as {name}"
    document.querySelector("#who").firstChild.data = who
