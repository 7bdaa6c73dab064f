"""The page's own Python: its attributes, and a title that says who is signed in."""

from nextauth_client import bind, effect, use_session
from pyscript import document

TITLE = document.title

bind()


@effect
def title():
    session = use_session().session
    document.title = f"{session.user.name or session.user.email} – {TITLE}" if session else TITLE
