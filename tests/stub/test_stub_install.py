"""The three distributions, installed with pip by their names into environments that hold nothing else."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from nextauth_client.starting import FRAMEWORKS, start_commands

from scripts.distributions import DISTRIBUTIONS, build
from scripts.empty_environment import EmptyEnvironment
from scripts.environment import EXAMPLES
from scripts.local_index import serving
from scripts.next_sites import MADE
from scripts.steps import ROOT, SetupError, run
from tests.support import newcomer
from tests.support.documents import commands

pytestmark = pytest.mark.heavy("builds wheels, and installs them and what they depend on")


@contextmanager
def server(environment: EmptyEnvironment, *arguments: str) -> Iterator[str]:
    command = [str(environment.python), "-m", "server_stub", "--port", "0", *arguments]
    with subprocess.Popen(command, cwd=environment.folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with newcomer.index(tmp_path_factory.mktemp("index"), *FRAMEWORKS) as url:
        yield url


@pytest.fixture
def environment(tmp_path: Path) -> EmptyEnvironment:
    return EmptyEnvironment(tmp_path)


def needed_by(environment: EmptyEnvironment, name: str) -> list[str]:
    code = f"import importlib.metadata as m; print(*m.metadata({name!r}).get_all('Requires-Dist'), sep='|')"
    return environment.execute(code).split("|")


def test_the_client_installs_alone(environment: EmptyEnvironment, index: str) -> None:
    environment.install("nextauth-client", index=index)
    assert environment.packages() == {"nextauth-client"}
    where = environment.execute("import nextauth_client; print(nextauth_client.__file__)")
    assert str(environment.folder) in where
    needed = needed_by(environment, "nextauth-client")
    assert {"nextauth-server; extra == 'server'", "nextauth-server-stub; extra == 'stub'"} <= set(needed)


def test_the_servers_half_brings_the_client_that_it_needs(environment: EmptyEnvironment, index: str) -> None:
    environment.install("nextauth-server", index=index)
    assert {"nextauth-client", "nextauth-server"} <= environment.packages()
    assert "nextauth-server-stub" not in environment.packages()
    extras = {line.partition("; ")[2] for line in needed_by(environment, "nextauth-server") if "extra" in line}
    assert extras == {f"extra == '{name}'" for name in ("allauth", "django", "fastapi", "flask", "providers")}
    asked = "import asyncio; from nextauth_client import get_session; asyncio.run(get_session(''))"
    code = f"try:\n    {asked}\nexcept RuntimeError as error:\n    print(error)"
    assert "set NEXTAUTH_URL_INTERNAL" in environment.execute(code)
    where = environment.execute("import nextauth_server; print(nextauth_server.__file__)")
    assert str(environment.folder) in where


def test_the_development_backend_brings_the_two_others(environment: EmptyEnvironment, index: str) -> None:
    environment.install("nextauth-server-stub", index=index)
    where = environment.execute("import server_stub; print(server_stub.__file__)")
    assert str(environment.folder) in where
    assert {"nextauth-client", "nextauth-server", "nextauth-server-stub"} <= environment.packages()
    assert "--dialect" in run([environment.programs / "nextauth-server-stub", "--help"], advice="")
    pages = environment.folder / "pages"
    pages.mkdir()
    (pages / "index.html").write_text("home")
    with server(environment, str(pages)) as url, httpx.Client(base_url=url) as client:
        assert client.get("/").text == "home"
        assert client.get("/api/auth/session").json() == {}
        assert client.get("/api/auth/assets/style.css").headers["content-type"].startswith("text/css")
        token = client.get("/api/auth/csrf").json()["csrfToken"]
        form = {"csrfToken": token, "json": "true"}
        to = client.post("/api/auth/signin/dev-idp", data=form).json()["url"]
        back = client.post(to, data={"user": "ada", "decision": "allow"}).headers["location"]
        assert client.get(back).headers["location"] == url
        assert client.get("/api/auth/session").json()["user"]["name"] == "Ada Lovelace"


@pytest.mark.parametrize(("extra", "brought"), [("server", "nextauth-server"), ("stub", "nextauth-server-stub")])
def test_the_clients_extras_bring_the_others(
    environment: EmptyEnvironment, index: str, extra: str, brought: str
) -> None:
    environment.install(f"nextauth-client[{extra}]", index=index)
    assert brought in environment.packages()


@pytest.mark.parametrize("framework", ["django", "fastapi"])  # Flask's, and a page alone, are opened in a browser
def test_what_the_readme_says_to_type_starts_an_app(framework: str, tmp_path: Path, index: str) -> None:
    lines = [line.replace("flask", framework) for line in commands("README.md", "## A page of your own")]
    lines[-1] = start_commands(EXAMPLES / framework)[-1]
    with newcomer.typed(lines, tmp_path, index) as url:
        serves_a_page_and_signs_in(url)


def test_what_the_readme_says_to_type_in_a_checkout_makes_a_folder_beside_it(tmp_path: Path, index: str) -> None:
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    home.mkdir()
    for name in ("client", "server", "server_stub", "examples", "static/vendor"):
        shutil.copytree(ROOT / name, checkout / name, symlinks=True, ignore=shutil.ignore_patterns(*MADE, "libraries"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    with newcomer.typed(commands("README.md", "### Out of the checkout"), home, index, cwd=checkout) as url:
        serves_a_page_and_signs_in(url)
        httpx.get(f"{url}/runtimes/pyscript/core.js").raise_for_status()
    assert (tmp_path / "mypage" / "app.py").is_file()


def serves_a_page_and_signs_in(url: str) -> None:
    with httpx.Client(base_url=url) as client:
        assert "<title>A page of my own</title>" in client.get("/").text
        assert client.get("/api/auth/session").json() == {}
        form = {"username": "ada", "password": "lovelace", "json": "true"}
        form["csrfToken"] = client.get("/api/auth/csrf").json()["csrfToken"]
        client.post("/api/auth/callback/credentials", data=form).raise_for_status()
        assert client.get("/api/auth/session").json()["user"]["name"] == "Ada Lovelace"


def test_what_the_index_lacks_is_looked_for_nowhere_else(
    environment: EmptyEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else somebody else's package of the name could come from an index that this machine is configured to ask."""
    elsewhere, empty = tmp_path / "elsewhere", tmp_path / "empty"
    empty.mkdir()
    build(DISTRIBUTIONS[0].folder, elsewhere, "wheel")
    monkeypatch.setenv("PIP_FIND_LINKS", str(elsewhere))
    (tmp_path / "pip.conf").write_text(f"[global]\nfind-links = {elsewhere}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    with serving(empty) as url, pytest.raises(SetupError, match="`pip install nextauth-client` failed"):
        environment.install("nextauth-client", index=url)
