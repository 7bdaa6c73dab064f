"""The three distributions, built and installed with pip into environments that hold nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from scripts.environment import CONSTRAINTS
from scripts.steps import ROOT

pytestmark = pytest.mark.heavy("builds wheels, and installs them and what they depend on")


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Environment:
    """A virtual environment without pip: the one of the tests installs into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder)
        # The wheels were just built: nobody knows their hashes, so pip must not ask for any.
        self.versions = folder / "versions.txt"
        self.versions.write_text(re.sub(r" \\\n +--hash=\S+", "", CONSTRAINTS.read_text()))
        self.programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
        self.python = self.programs / "python"

    def install(self, *arguments: str | Path) -> None:
        pip = [sys.executable, "-m", "pip", "--python", self.python, "--disable-pip-version-check", "install"]
        run(*pip, "--quiet", "--constraint", self.versions, *arguments, cwd=self.folder)

    def execute(self, code: str) -> str:
        return run(self.python, "-I", "-W", "error", "-c", code, cwd=self.folder).strip()

    def packages(self) -> set[str]:
        code = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
        return set(self.execute(code).split())

    @contextmanager
    def server(self, *arguments: str) -> Iterator[str]:
        command = [str(self.python), "-m", "server_stub", "--port", "0", *arguments]
        with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().strip()
            finally:
                process.terminate()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for source in (ROOT, ROOT / "server", ROOT / "server_stub"):
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=source)
    return folder


def wheel(wheels: Path, name: str) -> Path:
    (found,) = wheels.glob(f"{name}-*.whl")
    return found


def test_the_client_installs_alone(wheels: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.install(wheel(wheels, "nextauth_client"))
    assert environment.packages() == {"nextauth-client"}
    assert str(tmp_path) in environment.execute("import nextauth_client; print(nextauth_client.__file__)")


def test_the_servers_half_installs_with_the_client_that_it_needs(wheels: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.install("--no-index", "--no-deps", wheel(wheels, "nextauth_client"), wheel(wheels, "nextauth_server"))
    assert environment.packages() == {"nextauth-client", "nextauth-server"}
    code = "import importlib.metadata as m; print(*m.metadata('nextauth-server').get_all('Requires-Dist'), sep='|')"
    needed = environment.execute(code).split("|")
    assert "nextauth-client" in needed
    extras = {line.partition("; ")[2] for line in needed if "extra" in line}
    assert extras == {f"extra == '{name}'" for name in ("django", "fastapi", "flask")}

    environment.install(wheel(wheels, "nextauth_client"), wheel(wheels, "nextauth_server"))
    asked = "import asyncio; from nextauth_client import get_session; asyncio.run(get_session(''))"
    code = f"try:\n    {asked}\nexcept RuntimeError as error:\n    print(error)"
    assert "set NEXTAUTH_URL_INTERNAL" in environment.execute(code)
    assert str(tmp_path) in environment.execute("import nextauth_server; print(nextauth_server.__file__)")


def test_the_development_backend_installs_with_the_two_others(wheels: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    # By their files: what an index has of these names is no matter here.
    environment.install(*wheels.iterdir())
    assert str(tmp_path) in environment.execute("import server_stub; print(server_stub.__file__)")
    assert {"nextauth-client", "nextauth-server", "nextauth-server-stub"} <= environment.packages()
    assert "--dialect" in run(environment.programs / "nextauth-server-stub", "--help", cwd=tmp_path)
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.html").write_text("home")
    with environment.server(str(pages)) as url, httpx.Client(base_url=url) as client:
        assert client.get("/").text == "home"
        assert client.get("/api/auth/session").json() == {}
        assert client.get("/api/auth/assets/style.css").headers["content-type"].startswith("text/css")
        token = client.get("/api/auth/csrf").json()["csrfToken"]
        form = {"csrfToken": token, "json": "true"}
        to = client.post("/api/auth/signin/dev-idp", data=form).json()["url"]
        back = client.post(to, data={"user": "ada", "decision": "allow"}).headers["location"]
        assert client.get(back).headers["location"] == url
        assert client.get("/api/auth/session").json()["user"]["name"] == "Ada Lovelace"


def test_the_extra_brings_the_development_backend(wheels: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.install("--no-index", "--no-deps", wheel(wheels, "nextauth_client"))
    code = "import importlib.metadata as m; print(*m.metadata('nextauth-client').get_all('Requires-Dist'), sep='|')"
    assert "nextauth-server-stub; extra == 'stub'" in environment.execute(code).split("|")
