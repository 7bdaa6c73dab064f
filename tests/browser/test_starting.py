"""The folders that `python -m nextauth_client new` makes: started as their READMEs say, and used as a person does."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from nextauth_client.starting import CDN, FRAMEWORKS, VERSIONS, start_commands
from playwright.sync_api import ConsoleMessage, Page, Request, Route

from scripts.steps import ROOT
from scripts.vendor import VENDOR
from tests.support import PATIENCE, newcomer
from tests.support.accessible import assert_nobody_is_shut_out, by_tab
from tests.support.documents import commands, environment
from tests.support.engines import Engine, expect
from tests.support.newcomer import new
from tests.support.ports import free_port, until_it_listens

FAILED = "Sign in failed. Check that what you typed is correct."


@contextlib.contextmanager
def started(folder: Path) -> Iterator[str]:
    """Started by the last line of the README's commands; the others install what is installed here."""
    words = shlex.split(start_commands(folder)[-1])
    assert words[0] == "python"
    with running(words[1:], folder, folder / "log.txt") as url:
        yield url


@contextlib.contextmanager
def running(words: list[str], folder: Path, log: Path) -> Iterator[str]:
    """Python with these words, until it listens and then until the end."""
    port = free_port()
    with log.open("w") as output:
        command = [sys.executable, *words, "--port", str(port)]
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT)
        try:
            try:
                until_it_listens(process, port)
            except TimeoutError as error:
                raise AssertionError(f"it did not start:\n{log.read_text()}") from error
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(PATIENCE)


class Visit(NamedTuple):
    page: Page
    problems: list[str]  # on the console
    asked: list[str]  # addresses


@contextlib.contextmanager
def visit(engine: Engine, url: str) -> Iterator[Visit]:
    with engine.context(url) as context:
        page = context.new_page()
        problems: list[str] = []
        asked: list[str] = []

        def note(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                problems.append(message.text)

        def hear(request: Request) -> None:
            asked.append(request.url)

        page.on("console", note)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", hear)
        page.goto("/")
        yield Visit(page, problems, asked)


def sign_in(page: Page, password: str) -> None:
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def sign_in_by_keyboard(page: Page) -> None:
    for label, text in (("Username", "ada"), ("Password", "lovelace")):
        by_tab(page, page.get_by_label(label))
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(text)
    page.keyboard.press("Enter")


def sign_out(page: Page) -> None:
    expect(page.locator("html[data-auth-state='authenticated']")).to_be_visible()  # Python is there
    with page.expect_navigation():
        page.get_by_role("link", name="Sign out").click()
    expect(page.get_by_label("Username")).to_be_visible()
    expect(page.locator("#who")).to_be_hidden()


def signs_in_and_reloads(page: Page) -> None:
    sign_in(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text(FAILED)
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, stranger", use_inner_text=True)
    sign_in_by_keyboard(page)
    expect(page.locator("#who")).to_have_text("Signed in as Ada Lovelace")
    page.reload()
    expect(page.locator("#who")).to_have_text("Signed in as Ada Lovelace")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Ada Lovelace", use_inner_text=True)


def looks_right(page: Page, framework: str = "") -> None:
    """In one of the apps, since their page is the same, and without an app."""
    if framework not in ("", "flask"):
        return
    for width, scheme in ((320, "light"), (390, "dark"), (1280, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert_nobody_is_shut_out(page)


def refusals(problems: list[str]) -> int:
    """The browser complains of each 401, and of nothing else."""
    assert [text for text in problems if "status of 401" not in text] == []
    return len(problems)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_page_and_its_app(framework: str, engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "mypage"
    new(folder, f"--{framework}", "--runtimes", VENDOR)
    with started(folder) as url, visit(engine, url) as (page, problems, asked):
        ask = page.get_by_role("button", name="Ask the app")
        answer = page.locator("#answer")
        ask.click()
        expect(answer).to_have_text("Sign in first.")
        looks_right(page, framework)
        signs_in_and_reloads(page)
        ask.click()
        expect(answer).to_contain_text("You are ada, and have been a member since 20")
        looks_right(page, framework)
        other = page.context.new_page()
        other.goto("/")
        sign_out(other)
        expect(page.get_by_label("Username")).to_be_visible()
        expect(answer).to_have_text("")  # what it told Ada
        ask.click()
        expect(answer).to_have_text("Sign in first.")
        assert refusals(problems) == 3
        assert [address for address in asked if not address.startswith(f"{url}/")] == []
    with started(folder) as url, visit(engine, url) as (page, _, _):  # the user is there, and no second one
        sign_in(page, "lovelace")
        expect(page.locator("#who")).to_have_text("Signed in as Ada Lovelace")


def test_a_page_and_the_development_backend(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "mypage"
    new(folder, "--runtimes", VENDOR)
    with started(folder) as url, visit(engine, url) as (page, problems, asked):
        expect(page.get_by_label("Username")).to_be_visible()
        expect(page.get_by_text("You see a file.")).to_be_hidden()
        looks_right(page)
        signs_in_and_reloads(page)
        looks_right(page)
        sign_out(page)
        assert refusals(problems) == 1
        assert [address for address in asked if not address.startswith(f"{url}/")] == []


def test_a_page_that_is_opened_from_the_disk_says_how_to_open_it(engine: Engine, tmp_path: Path) -> None:
    new(tmp_path / "mypage", "--runtimes", VENDOR)
    with engine.context("") as context:
        page = context.new_page()
        page.goto((tmp_path / "mypage" / "pages" / "index.html").as_uri())
        expect(page.get_by_text("You see a file.")).to_be_visible()


def test_an_example_of_the_checkout_is_where_its_command_says(engine: Engine, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with running(["-m", "scripts.example", "worker"], ROOT, log) as url, engine.context(url) as context:
        address = f"{url}/examples/worker/"
        assert f"Sign in as ada with the password lovelace on {address}\n" in log.read_text()
        page = context.new_page()
        page.goto(address)
        sign_in(page, "lovelace")
        expect(page.locator("#who")).to_have_text("Signed in as Ada Lovelace")


def test_the_developer_tools_open_there_as_the_guide_says(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "mypage"
    new(folder, "--runtimes", VENDOR)
    [line] = commands("docs/devtools.md", "### In a folder of `new`")
    command = [sys.executable, *shlex.split(line)[1:]]
    printed = subprocess.run(command, cwd=folder, env=environment(), check=True, stdout=subprocess.PIPE).stdout
    config = folder / "pages" / "pyscript.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **json.loads(printed)}))
    html = folder / "pages" / "index.html"
    html.write_text(html.read_text().replace('<html lang="en">', '<html lang="en" data-auth-devtools>'))
    with started(folder) as url, visit(engine, url) as (page, problems, _):
        expect(page.get_by_role("region", name="Developer tools")).to_contain_text("unauthenticated")
        assert problems == []


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with newcomer.index(tmp_path_factory.mktemp("index"), "flask") as url:
        yield url


# The app is the README's own; what to type for a page alone is what `new` prints.
TYPED = commands("README.md", "## A page of your own")
FOR_A_PAGE = [TYPED[0], "pip install nextauth-client", "python -m nextauth_client new mypage", "cd mypage"]
FOR_A_PAGE += start_commands(ROOT / "examples" / "page")


@pytest.mark.parametrize("lines", [TYPED, FOR_A_PAGE], ids=["with an app", "alone"])
def test_what_a_newcomer_types_leads_to_a_page_that_signs_in(
    lines: list[str], engine: Engine, tmp_path: Path, index: str
) -> None:
    """From an empty home on. The CDN has what npm installs, in the versions that are installed here."""
    fetched: set[str] = set()

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(CDN)
        for package, version in VERSIONS.items():
            if path.startswith(f"{package}@{version}/"):
                fetched.add(package)
                file = ROOT / "node_modules" / package / path.removeprefix(f"{package}@{version}/")
                route.fulfill(path=file, headers={"Access-Control-Allow-Origin": "*", "Content-Type": kind_of(file)})
                return
        route.abort()

    with newcomer.typed(lines, tmp_path, index) as url, engine.context(url) as context:
        context.route(f"{CDN}**", answer)
        page = context.new_page()
        page.goto("/")
        signs_in_and_reloads(page)
        assert fetched == set(VERSIONS)


def kind_of(file: Path) -> str:
    return {".wasm": "application/wasm"}.get(file.suffix, "text/javascript")
