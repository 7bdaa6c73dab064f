"""What a page may ask real backends, and what it never gets to see."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.backends.conftest import BACKENDS, OpenWorkbench, StartBackend, of_versions
from tests.backends.visits import allow, log_in
from tests.support.real_backends import RealBackend, version_of
from tests.support.workbench import Raised, Workbench

# As node/people.mjs has them.
ADDITIONS: dict[str, Any] = {
    "team": {
        "name": "Grüße 👋",
        "roles": ["reader", {"of": "books", "since": 1843}],
        "deputy": None,
        "": "",
        "a.b": [[]],
    },
    "numbers": [0, -1, 0.5, 4294967296, 9007199254740991],
}

# Everything that a page's scripts can read, with what lies in it.
READABLE = """async () => {
    const settled = request => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    const databases = {};
    for (const { name } of await indexedDB.databases()) {
        const database = await settled(indexedDB.open(name));
        databases[name] = {};
        for (const store of database.objectStoreNames) {
            const opened = database.transaction(store).objectStore(store);
            databases[name][store] = [await settled(opened.getAllKeys()), await settled(opened.getAll())];
        }
        database.close();
    }
    const kept = {};
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        kept[name] = [];
        for (const request of await cache.keys())
            kept[name].push([request.url, await (await cache.match(request)).text()]);
    }
    const all = storage => Array.from(storage, (_, i) => [storage.key(i), storage.getItem(storage.key(i))]);
    const inWords = (_, value) => value instanceof Map || value instanceof Set ? [...value]
        : ArrayBuffer.isView(value) ? new TextDecoder().decode(value) : value;
    return JSON.stringify({
        cookie: document.cookie,
        name: window.name,
        localStorage: all(localStorage),
        sessionStorage: all(sessionStorage),
        indexedDB: databases,
        caches: kept,
        history: history.state,
        written: window.written ?? [],
        html: document.documentElement.outerHTML,
    }, inWords);
}"""
# What was written and replaced again is found too.
WRITTEN = """
window.written = [];
const setItem = Storage.prototype.setItem;
Storage.prototype.setItem = function (...pair) {
    written.push(pair);
    return setItem.apply(this, pair);
};
"""
# One secret in each.
LEAK = """async () => {
    localStorage.setItem("key", "written's");
    localStorage.setItem("key", "localStorage's");
    sessionStorage.setItem("key", "sessionStorage's");
    document.cookie = "key=cookie's";
    window.name = "name's";
    history.replaceState("history's", "");
    await (await caches.open("some")).put("/key", new Response("caches'"));
    await new Promise((resolve, reject) => {
        const opened = indexedDB.open("some");
        const value = new Map([["key", "indexedDB's"]]);
        opened.onupgradeneeded = () => opened.result.createObjectStore("store").put(value, 1);
        opened.onsuccess = () => resolve(opened.result.close());
        opened.onerror = reject;
    });
}"""
# What may lie in a page's storage and survives it; a session shown in the page itself is no storage.
STORAGES = ("cookie", "name", "localStorage", "sessionStorage", "indexedDB", "caches", "history", "written")


def test_s7_the_session_or_none(workbench: Workbench) -> None:
    assert workbench.call("get_session") is None
    workbench.sign_in("alan")
    session = workbench.call("get_session")
    assert session["user"]["name"] == "Alan Turing"
    assert [request.method for request in workbench.requests("session")] == ["GET"] * len(workbench.requests("session"))


def test_s1_a_session_has_a_user_and_an_end(workbench: Workbench) -> None:
    workbench.sign_in("ada")
    session = workbench.session()
    user = session["user"]
    assert (user["name"], user["email"], user["image"]) == ("Ada Lovelace", "ada@example.com", "/static/icon.svg")
    assert session["expires"].endswith("Z")
    ends = datetime.fromisoformat(session["expires"].replace("Z", "+00:00"))
    assert ends > datetime.now(timezone.utc)


def test_s3_what_the_session_callback_adds_arrives_unchanged(workbench: Workbench) -> None:
    workbench.sign_in()
    session = workbench.session()
    assert {name: session[name] for name in ADDITIONS} == ADDITIONS
    assert set(session) == {"user", "expires", *ADDITIONS}


def test_s9_the_csrf_token_is_the_same_while_its_cookie_is(workbench: Workbench) -> None:
    token = workbench.call("get_csrf_token")
    assert len(token) == 64
    assert workbench.call("get_csrf_token") == token
    workbench.page.context.clear_cookies()
    assert workbench.call("get_csrf_token") != token


def test_s10_providers_come_in_the_backends_order(workbench: Workbench) -> None:
    base = workbench.backend.base
    providers = workbench.call("get_providers")
    assert [name for name, _ in providers] == workbench.backend.providers
    of = dict(providers)
    assert of["credentials"] == {
        "id": "credentials",
        "name": "Password",
        "type": "credentials",
        "signin_url": f"{base}/signin/credentials",
        "callback_url": f"{base}/callback/credentials",
    }
    if "email" in of:
        assert of["email"]["type"] == "email"
    assert of["oidc"]["type"] == ("oidc" if workbench.backend.version == 5 else "oauth")
    assert of["oidc"]["name"] == "Identity provider"


def test_update_gives_the_backend_data_and_shows_its_answer(workbench: Workbench) -> None:
    workbench.sign_in()
    if workbench.backend.version == 3:
        workbench.expect_problem("the server responded with a status of 400")
        with pytest.raises(Raised, match=r"^UnexpectedAnswer: This backend cannot update a session: .* v3 cannot"):
            workbench.call("update_session", {"name": "Countess"})
        workbench.shows(status="authenticated", name="Ada Lovelace")
        assert [request.method for request in workbench.requests("session")].count("POST") == 1
    else:
        asked = len(workbench.requests("session"))
        session = workbench.call("update_session", {"name": "Countess 👑"})
        assert session["user"]["name"] == "Countess 👑"
        workbench.shows(status="authenticated", name="Countess 👑")
        assert len(workbench.requests("session")) == asked + 1, "its POST, and no question after it"
        assert workbench.call("get_session")["user"]["name"] == "Countess 👑"


@of_versions(4, 5)
def test_update_by_somebody_who_is_signed_out_gives_none(workbench: Workbench) -> None:
    assert workbench.call("update_session", {"name": "Nobody"}) is None
    workbench.shows(status="unauthenticated", error="")


@of_versions(4)
def test_the_search_for_tokens_finds_them_in_each_storage(
    backend: RealBackend, open_workbench: OpenWorkbench, other_profile: BrowserContext
) -> None:
    other_profile.add_init_script(WRITTEN)
    page = open_workbench(backend, context=other_profile).page
    page.evaluate(LEAK)
    stored = json.loads(page.evaluate(READABLE))
    assert [place for place in STORAGES if f"{place}'" not in json.dumps(stored[place])] == []


@pytest.mark.parametrize(
    ("backend", "interpreter"),
    [*((name, "micropython") for name in BACKENDS), *((name, "pyodide") for name in BACKENDS if version_of(name) == 4)],
    indirect=True,
)
def test_s2_s12_s31_after_a_providers_flow_no_token_can_be_read_and_storage_holds_no_session(
    backend: RealBackend, open_workbench: OpenWorkbench, profile: BrowserContext
) -> None:
    page = profile.new_page()
    page.add_init_script(WRITTEN)
    workbench = open_workbench(backend, page=page)
    workbench.shows(status="unauthenticated")
    workbench.start("sign_in", "oidc", callback_url="?back#part")
    log_in(page, "grace")
    allow(page)
    workbench.is_at(workbench.url + "?back#part")
    workbench.shows(status="authenticated", name="grace of elsewhere")
    workbench.call("get_session")

    readable = page.evaluate(READABLE)
    issued = workbench.backend.issued()[-1]
    kept = {"access_token", "id_token", "refresh_token"} - ({"id_token"} if backend.name == "bridge-django" else set())
    assert set(issued) == kept, "the backend did get them"
    cookies = page.context.cookies()
    tokens = [*issued.values(), *(cookie["value"] for cookie in cookies)]
    assert any((workbench.backend.session_cookie or "session") in cookie["name"] for cookie in cookies)
    assert [token for token in tokens if token in readable] == []

    stored = json.loads(readable)
    assert stored["written"], "the client told the JavaScript clients"
    in_storages = json.dumps([stored[name] for name in STORAGES], ensure_ascii=False)
    session = workbench.session()
    told = [session["expires"], *session["user"].values(), ADDITIONS["team"]["name"], "roles"]
    assert [value for value in told if value and value in in_storages] == []
    assert (stored["cookie"], stored["caches"], stored["sessionStorage"]) == ("", {}, [])
    assert {name for name, _ in stored["localStorage"]} <= {
        "nextauth.message",
        f"nextauth-client:1:{workbench.backend.base}:epoch",
    }


@pytest.mark.parametrize("name", BACKENDS)
def test_s1_s36_database_sessions_come_and_go(
    name: str, start_backend: StartBackend, open_workbench: OpenWorkbench
) -> None:
    workbench = open_workbench(start_backend(name, strategy="database"))
    workbench.shows(status="unauthenticated")
    workbench.start("sign_in", "oidc")
    log_in(workbench.page, "grace")
    allow(workbench.page)
    workbench.shows(status="authenticated", name="grace of elsewhere")
    session = workbench.session()
    assert session["user"]["email"] == "grace@elsewhere.example"
    if workbench.backend.version == 3:
        assert len(session["accessToken"]) == 64  # S1: the page's own, none of the identity provider's
        assert session["accessToken"] not in workbench.backend.issued()[-1].values()
    workbench.call("sign_out", redirect=False)
    workbench.shows(status="unauthenticated")
    assert workbench.call("get_session") is None
