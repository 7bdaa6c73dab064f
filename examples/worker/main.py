"""Runs in a worker: the page has no other Python. What it finds out it tells the page by a channel."""

import js
from nextauth_client import Provider, effect, use_session

Provider()
page = js.BroadcastChannel.new("worker")


@effect
def greet():
    session, loading = use_session()
    if loading:
        page.postMessage("Loading")
    elif session:
        page.postMessage(f"Signed in as {session.user.name or session.user.email or 'somebody'}")
    else:
        page.postMessage("Not signed in")
