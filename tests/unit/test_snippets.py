"""Every block of code in the documentation runs: here, in another test, or it stands here why it does not.

What a new block asks for: a test here that takes its code by `block`, a line in `ELSEWHERE`, or one in `NOT_RUN`.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from nextauth_client import Provider, UnexpectedAnswer, auth_fetch, get_session, sign_in
from nextauth_client.testing import ApiAnswer, Backend, Browser
from starlette.testclient import TestClient

from scripts.steps import ROOT
from server_stub.config import read_config
from tests.simulation.world import World, end_worlds

PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]
PAGES += [ROOT / "examples" / "README.md", ROOT / "server_stub" / "README.md"]
LIVE = "tests/browser/test_docs_site.py::test_each_example_of_a_page_runs_without_complaint"
DRAWN = {"", "mermaid"}  # drawings, which are no code


class Block(NamedTuple):
    page: str
    language: str
    code: str
    is_live: bool


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    live = [part.span() for part in re.finditer(r'^<div class="live".*?^</div>', text, re.M | re.S)]
    for found in re.finditer(r"^( *)```(\S*)[^\n]*\n(.*?)^\1```$", text, re.M | re.S):
        code = re.sub(rf"^{found[1]}", "", found[3], flags=re.M)
        is_live = any(start < found.start() < end for start, end in live)
        yield Block(page.relative_to(ROOT).as_posix(), found[2], code, is_live)


BLOCKS = [one for page in PAGES for one in blocks(page) if one.language not in DRAWN]

# Who runs the blocks of a page that have these words, of those that do not run here.
ELSEWHERE = {
    ("docs/calling-your-api.md", "nextauth_server"): "tests/server/test_docs_of_calls.py",
    ("docs/calling-your-api.md", "test_an_order_arrives"): "tests/server/test_docs_of_calls.py",
    ("docs/content-policy.md", "Content-Security-Policy:"): "tests/browser/test_snippets.py",
    ("docs/login.md", "from django.urls"): "tests/server/bridges.py",
    ("docs/login.md", "from flask"): "tests/server/bridges.py",
    ("docs/login.md", "from fastapi"): "tests/server/bridges.py",
    ("docs/login.md", "import OAuth"): "tests/server/bridges.py",
    ("docs/pages.md", "require_session"): "tests/browser/test_examples.py",
    ("docs/pages.md", '@component("#member")'): "tests/browser/test_examples.py",
    ("docs/signing-in.md", "log_in"): "tests/browser/test_examples.py",
    ("docs/pages.md", "bind.py"): "tests/browser/test_examples.py",
    ("docs/pages.md", "def follow"): "tests/browser/test_loading.py",
    ("docs/pages.md", "worker.py"): "tests/browser/test_snippets.py",
    ("docs/pages.md", "nextauth-blocked.js"): "tests/browser/test_snippets.py",
    ("docs/pages.md", "nextauth-session"): "tests/browser/test_snippets.py",
    ("docs/pages.md", "[data-auth-show][hidden]"): "tests/browser/test_first_paint.py",
    ("docs/devtools.md", "files pages --url"): "tests/unit/test_starting.py",
    ("docs/server.md", "import"): "tests/server/test_docs.py",
    ("docs/server.md", "{% load nextauth %}"): "tests/server/test_templates.py",
    ("docs/session-end.md", ""): "tests/browser/test_session_end.py",
    ("docs/testing.md", "# test_page.py"): "tests/unit/test_docs_of_testing.py",
    ("docs/testing.md", "# test_in_a_browser.py"): "tests/browser/test_docs_of_testing.py",
    ("docs/testing.md", "# test_account.py"): "tests/unit/test_docs_of_testing.py",
    ("docs/testing.md", "# test_app.py"): "tests/server/test_docs_of_testing.py",
    ("docs/testing.md", "# mysite/tests.py"): "tests/server/test_docs_of_testing.py",
    ("docs/testing.md", "# test_app_in_a_browser.py"): "tests/browser/test_docs_of_testing.py",
    ("docs/testing.md", "# mysite/tests_in_a_browser.py"): "tests/browser/test_docs_of_testing.py",
    ("docs/workers.md", "nextauth-page.js"): "tests/browser/test_snippets.py",
    ("docs/workers.md", "loadMicroPython"): "tests/browser/test_snippets.py",
    ("README.md", "<!doctype html>"): "tests/browser/test_loading.py",
    ("README.md", "pip install nextauth-client"): "tests/browser/test_starting.py",
    ("README.md", "pip install . ./server"): "tests/stub/test_stub_install.py",
}
INSTALLS = "pip needs an index; tests/stub/test_stub_install.py installs the distributions by name from one of its own"
MAKES = "installs what it needs, and then takes minutes; tests/unit/test_contributing.py looks for what it names"
# What does not run, and why.
NOT_RUN = {
    ("docs/upstream/chromium-crashes.md", "chromium --enable"): "crashes pages, or does not: by chance",
    ("docs/upstream/webkit-popups.md", "const other"): "hangs a page, or does not: by chance",
    ("docs/login.md", "pip install"): INSTALLS,
    ("docs/server.md", "pip install"): INSTALLS,
    ("docs/server.md", "export NEXTAUTH_URL="): "of a deployment's shell; tests/server/test_requests.py sets both",
    ("docs/tutorial.md", "pip install"): INSTALLS,
    (
        "docs/pages.md",
        "cdn.example",
    ): "a release fills in the address and the hash; tests/browser/test_loading.py loads such lines",
    (
        "docs/upstream/pyodide-rejections.md",
        "js.Promise.reject",
    ): "goes on for ever; tests/browser/test_upstream.py sees it",
    (
        "docs/upstream/pyodide-rejections.md",
        "def set_exception",
    ): "for Pyodide's own source; the page beside it runs the same",
    ("CONTRIBUTING.md", "make unit"): MAKES,
    (
        "CONTRIBUTING.md",
        "-m pytest",
    ): "runs tests out of tests; tests/unit/test_contributing.py looks for what it names",
    ("CONTRIBUTING.md", "make release-check"): MAKES,
    ("CONTRIBUTING.md", "twine upload"): "would publish",
    ("README.md", "make demo"): MAKES,
    ("examples/README.md", "make example"): "goes on; tests/browser/test_starting.py starts what it starts",
    ("server_stub/README.md", "pip install"): INSTALLS,
}
# Of how many blocks that is said, where it is more than one.
MANY = {
    ("docs/calling-your-api.md", "nextauth_server"): 3,
    ("docs/login.md", "import OAuth"): 2,
    ("docs/login.md", "pip install"): 7,
    ("docs/server.md", "import"): 19,
    ("docs/server.md", "pip install"): 2,
    ("docs/server.md", "export NEXTAUTH_URL="): 3,
    ("docs/session-end.md", ""): 6,
    ("docs/testing.md", "# test_app.py"): 2,
    ("docs/testing.md", "# test_app_in_a_browser.py"): 2,
    ("CONTRIBUTING.md", "-m pytest"): 2,
}
HERE: list[Block] = []


def block(page: str, words: str) -> str:
    """The code of a page's only block with these words, which a test below runs."""
    [found] = [one for one in BLOCKS if one.page == page and words in one.code and not one.is_live]
    HERE.append(found)
    return found.code


def of(one: Block, places: dict[tuple[str, str], str]) -> list[str]:
    return [place for (page, words), place in places.items() if page == one.page and words in one.code]


# ── the page's API ───────────────────────────────────────────────────────────────────────────────

ORDERS = block("docs/calling-your-api.md", "show_orders")
ORIGINS = block("docs/calling-your-api.md", "api_origins")


async def loaded(browser: Browser, folder: Path, python: str, html: str = "") -> Any:
    """What a page with this Python has defined."""
    page = folder / "page.html"
    page.write_text(f'{html}<script type="mpy" src="page.py"></script>')
    (folder / "page.py").write_text(python)
    return await browser.load(str(page))


def shown(browser: Browser, selector: str) -> str:
    return str(browser.document.querySelector(selector).textContent)


async def test_a_page_shows_the_orders_of_who_is_signed_in(
    auth_browser: Browser, auth_backend: Backend, tmp_path: Path
) -> None:
    orders = ["Apples"]

    def answer(request: Any, session: Any) -> ApiAnswer:
        if session is None:
            return ApiAnswer(401)
        if request.method == "POST":
            orders.append(json.loads(request.body)["article"])
        return ApiAnswer(200, [{"article": article} for article in orders])

    auth_backend.api["/api/orders"] = answer
    page = await loaded(auth_browser, tmp_path, ORDERS, '<p id="orders"></p>')
    await page.show_orders()
    assert shown(auth_browser, "#orders") == "Sign in to see your orders."
    auth_browser.signed_in_as("Ada")
    await page.order("Pears")
    assert shown(auth_browser, "#orders") == "Apples, Pears"
    auth_backend.is_unreachable()
    await page.show_orders()
    assert "cannot be reached" in shown(auth_browser, "#orders")


async def test_a_page_may_name_where_its_api_is(auth_browser: Browser, auth_backend: Backend, tmp_path: Path) -> None:
    address = "https://api.example.com/orders"
    auth_backend.api[address] = lambda request, session: ApiAnswer(200, ["Apples"])
    with pytest.raises(ValueError, match="api_origins"):
        await auth_fetch(address)
    await loaded(auth_browser, tmp_path, "from nextauth_client import Provider\n" + ORIGINS)
    assert await (await auth_fetch(address)).json() == ["Apples"]


# ── signing in, and who is ───────────────────────────────────────────────────────────────────────

ENTER = block("docs/login.md", "await sign_in")
LOOK = block("docs/signing-in.md", "wait_for")
STYLE = block("docs/pages.md", "[data-auth-state~=")
MIRRORS = [block(page, "def mirror") for page in ("docs/pages.md", "examples/README.md")]
WORKER = block("docs/workers.md", "orders")
CELL = block("docs/workers.md", "print(session.user.email")
DRAFTS = block("docs/roles.md", "session_dependency")


async def test_a_page_signs_in_at_the_app_beside_it(
    auth_browser: Browser, auth_backend: Backend, tmp_path: Path
) -> None:
    auth_backend.users["ada"] = "lovelace"
    page = await loaded(auth_browser, tmp_path, ENTER)
    assert page.result.ok
    session = await get_session()
    assert session is not None and session.user.name == "ada"


async def test_a_page_that_waits_for_so_long_shows_who_is_signed_in(auth_browser: Browser, tmp_path: Path) -> None:
    auth_browser.signed_in_as("Ada")
    page = await loaded(auth_browser, tmp_path, LOOK, '<p id="who"></p> <button id="look">Look</button>')
    await page.look()
    assert shown(auth_browser, "#who") == "Ada"


async def test_a_style_sheet_tells_a_failed_query(auth_browser: Browser, auth_backend: Backend, tmp_path: Path) -> None:
    selector = STYLE.partition(" {")[0]
    auth_backend.answers(500)
    await loaded(auth_browser, tmp_path, "from nextauth_client import bind\nbind()", "<header></header>")
    assert auth_browser.document.querySelector(selector) is None
    with pytest.raises(UnexpectedAnswer):
        await Provider.current().ready()
    assert auth_browser.document.querySelector(selector) is not None


@pytest.mark.parametrize("code", MIRRORS, ids=["docs/pages.md", "examples/README.md"])
async def test_a_store_of_ones_own_mirrors_the_session(auth_browser: Browser, tmp_path: Path, code: str) -> None:
    page = await loaded(auth_browser, tmp_path, code)
    assert page.store == {"status": "loading", "user": None}
    await Provider.current().ready()
    assert page.store == {"status": "unauthenticated", "user": None}
    await sign_in("credentials", redirect=False, username="jsmith", password="pw")
    await get_session()
    assert page.store["user"]["name"] == "jsmith"


async def test_a_worker_and_a_notebook_follow_the_session_and_call_the_api(
    auth_browser: Browser, auth_backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    auth_backend.api["/api/orders"] = lambda request, session: ApiAnswer(200, ["Apples"])
    auth_browser.signed_in_as("jsmith")
    page = await loaded(auth_browser, tmp_path, WORKER)
    await Provider.current().ready()
    assert await page.orders() == ["Apples"]
    await loaded(auth_browser, tmp_path, CELL)
    assert capsys.readouterr().out.splitlines() == ["Signed in as jsmith", "jsmith@example.org"]


def test_the_guards_of_the_page_on_roles_take_its_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTAUTH_URL", "http://localhost:3000")
    module: dict[str, Any] = {}
    exec(DRAFTS, module)
    assert all(callable(module[name]) for name in ("admins", "editors", "adults"))


# ── commands and configurations ──────────────────────────────────────────────────────────────────

TOOLS = block("docs/devtools.md", "files static/client")
TOOLS_CONFIGURED = block("docs/devtools.md", '"files"')
CONFIGURED = [block(page, '"interpreter"') for page in ("docs/pages.md", "docs/micropython.md")]
LOGGED = block("docs/devtools.md", "import logging")


def typed(line: str, folder: Path) -> None:
    """A line of a shell, run in a folder."""
    words = shlex.split(line, comments=True)
    to = words.index(">") if ">" in words else len(words)
    command = [sys.executable, *words[1:to]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT / "client")})
    assert done.returncode == 0, done.stderr
    for name in words[to + 1 :]:
        (folder / name).write_text(done.stdout)


def test_what_is_typed_for_the_developer_tools_writes_what_the_page_shows(tmp_path: Path) -> None:
    typed(TOOLS, tmp_path)
    assert json.loads((tmp_path / "pyscript.json").read_text()) == json.loads(TOOLS_CONFIGURED)
    for address in json.loads(TOOLS_CONFIGURED)["files"]:
        assert (tmp_path / address.partition("#")[0].lstrip("/")).is_file()


@pytest.mark.parametrize("code", CONFIGURED, ids=["docs/pages.md", "docs/micropython.md"])
def test_a_configuration_that_is_shown_is_that_of_the_checkout(code: str) -> None:
    assert json.loads(code) == json.loads((ROOT / "static" / "micropython.json").read_text())


COMMANDS = {
    line.partition(" #")[0].strip()
    for one in BLOCKS
    for line in one.code.splitlines()
    if one.language == "sh" and line.startswith("python -m nextauth_client") and one.code != TOOLS
    # That is typed in a checkout: tests/stub/test_stub_install.py.
    if "--offline" not in line
}


@pytest.mark.heavy("starts Python once a command")
@pytest.mark.parametrize("line", sorted(COMMANDS))
def test_a_command_of_the_package_that_is_shown_works(line: str, tmp_path: Path) -> None:
    """Those around it in the same block install something, or go on until somebody stops them."""
    typed(line, tmp_path)
    assert [*tmp_path.iterdir()]


def test_each_requirement_that_is_shown_is_one_of_ours_with_an_extra_that_it_has() -> None:
    lines = [line for one in BLOCKS for line in one.code.splitlines() if one.language == "sh" and "pip install" in line]
    named = re.findall(r"nextauth-([a-z-]+)(?:\[([a-z,]+)\])?", " ".join(lines))
    assert len(named) > 5
    folders = {"client": ".", "server": "server", "server-stub": "server_stub"}
    for name, extras in named:
        project = (ROOT / folders[name] / "pyproject.toml").read_text()
        for extra in filter(None, extras.split(",")):
            assert re.search(rf"^{extra} = \[", project, re.M), f"nextauth-{name} has no extra {extra!r}"


def test_what_is_logged_can_be_read_without_a_panel() -> None:
    page = """
from nextauth_client import Provider
from nextauth_client.testing import run

async def page(browser):
    exec(CODE, {})
    await Provider.current().ready()

run(page)
"""
    done = subprocess.run(
        [sys.executable, "-c", f"CODE = {LOGGED!r}{page}"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "client")},
    )
    assert done.returncode == 0, done.stderr
    assert "DEBUG:nextauth_client:" in done.stderr and "Answered(" in done.stderr


# ── the rest ─────────────────────────────────────────────────────────────────────────────────────

ALLAUTH = block("docs/login.md", "SOCIALACCOUNT_ADAPTER")
SCRIPT = block("docs/synchroniser.md", "World(")
CONFIG = block("server_stub/README.md", "[users.grace]")
MOUNTED = block("server_stub/README.md", "AuthApp(users=users")
EVERYBODY = block("server_stub/README.md", "DevIdentityProvider")


def test_the_settings_for_providers_of_allauth_are_taken_by_django() -> None:
    project = """
INSTALLED_APPS = ["django.contrib." + name for name in ("auth", "contenttypes", "sessions", "messages")]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
"""
    started = """
import django
from django.conf import settings
from django.core.management import call_command
from django.urls import include, path
from django.utils.module_loading import import_string

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
settings.configure(**{name: value for name, value in globals().items() if name.isupper()})
django.setup()
call_command("migrate", verbosity=0)
assert include("allauth.urls")
assert import_string(SOCIALACCOUNT_ADAPTER)
from allauth.socialaccount.adapter import get_adapter
assert type(get_adapter()).__module__ == "nextauth_server.allauth"
assert [app.provider for app in get_adapter().list_apps(None)] == ["google"]
"""
    path = {"PYTHONPATH": f"{ROOT / 'client'}:{ROOT / 'server'}"}
    done = subprocess.run([sys.executable, "-c", project + ALLAUTH + started], capture_output=True, text=True, env=path)
    assert done.returncode == 0, done.stderr


def test_a_schedule_that_is_shown_is_played() -> None:
    module: dict[str, Any] = {"World": World}
    try:
        exec(SCRIPT, module)
        assert module["world"].browser.requests
    finally:
        end_worlds()


def test_the_development_backend_takes_the_configuration_that_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "stub.toml"
    file.write_text(CONFIG)
    config = read_config(file)
    assert config.users["grace"].name == "Grace Hopper"
    assert [provider.id for provider in config.providers] == ["company"]


def test_the_development_backend_is_mounted_in_an_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTAUTH_SECRET", "a secret that nobody knows, of 40 letters")
    module: dict[str, Any] = {}
    exec(MOUNTED, module)
    with TestClient(module["app"], base_url="http://localhost:3000") as client:
        assert "credentials" in client.get("/api/auth/providers").json()
    module["app"].router.routes.clear()
    exec(EVERYBODY, module)
    with TestClient(module["app"], base_url="http://localhost:3000", client=("127.0.0.1", 50000)) as client:
        assert "dev-idp" in client.get("/api/auth/providers").json()


# ── none is left out ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("one", BLOCKS, ids=[f"{one.page}: {one.code.strip()[:40]}" for one in BLOCKS])
def test_a_block_runs_or_it_is_said_why_not(one: Block) -> None:
    runs = [*of(one, ELSEWHERE), *(["here"] if one in HERE else []), *([LIVE] if one.is_live else [])]
    assert runs or of(one, NOT_RUN), (
        "take its code by `block` in a test of this file, or write where it runs, or why not"
    )
    assert not (runs and of(one, NOT_RUN)), "it runs, although it stands here why it does not"


@pytest.mark.parametrize(("page", "words"), [*ELSEWHERE, *NOT_RUN])
def test_what_is_said_of_a_block_is_said_of_one(page: str, words: str) -> None:
    found = [one for one in BLOCKS if one.page == page and words in one.code]
    assert len(found) == MANY.get((page, words), 1)
    if file := ELSEWHERE.get((page, words)):
        text = (ROOT / file).read_text(encoding="utf-8")
        name = page.rpartition("/")[2]
        assert name in text or all(one.code.strip() in text for one in found), f"{file} does not read {page}"
    for file in re.findall(r"tests/\S+\.py", NOT_RUN.get((page, words), "")):
        assert (ROOT / file).is_file()


def test_blocks_are_found_wherever_they_stand(tmp_path: Path) -> None:
    file = ROOT / "docs" / "index.md"
    assert [one.language for one in blocks(file) if one.is_live] == ["html", "python"]
    assert len(BLOCKS) > 80 and len(HERE) > 15
    nested = [one for one in BLOCKS if one.page == "docs/pages.md" and one.code.startswith("def follow")]
    assert len(nested) == 1
