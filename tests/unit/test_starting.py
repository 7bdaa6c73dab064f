"""`python -m nextauth_client new`: the folders that it makes, what it refuses, and the apps in them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import runpy
import secrets
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from nextauth_client import __main__ as command
from nextauth_client import packing, starting
from packaging.requirements import Requirement

from scripts import example, setup
from scripts.environment import listed_in
from scripts.examples import EXAMPLES, NAMES
from scripts.node import Node
from scripts.setup import TARGETS
from scripts.steps import ROOT
from scripts.vendor import VENDOR
from tests.support.documents import commands

FRAMEWORKS = sorted(starting.FRAMEWORKS)
# A folder with each of the apps, and one without.
KINDS = [*FRAMEWORKS, "page"]
each_framework = pytest.mark.parametrize("framework", FRAMEWORKS)
each_kind = pytest.mark.parametrize("kind", KINDS)


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "client"), str(ROOT / "server"), str(ROOT)])}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)


def flags(kind: str) -> list[str]:
    return [] if kind == "page" else [f"--{kind}"]


def new(folder: Path, *words: str) -> int:
    return command.main(["new", str(folder), *words])


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True, scope="module")
def archive() -> Iterator[bytes]:
    """Made once for all, since that takes its time."""
    archive = packing.make_archive()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "make_archive", lambda: archive)
        yield archive


@pytest.fixture(params=KINDS, scope="module")
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def made(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that works offline."""
    folder = tmp_path_factory.mktemp("made") / "mypage"
    assert new(folder, *flags(kind), "--runtimes", str(VENDOR)) == 0
    return folder


# ── what is written ──────────────────────────────────────────────────────────────────────────────


def test_a_folder_has_the_files_of_its_example_as_they_are(made: Path, kind: str) -> None:
    files = files_in(made)
    sources = {name: text for name, text in files_in(EXAMPLES / kind).items() if "__pycache__" not in name}
    changed = {name for name, text in sources.items() if files.get(name) != text}
    assert changed == ({"pages/index.html", "pages/account.py"} if kind == "page" else {"requirements.txt"})
    page = {name: text for name, text in files_in(EXAMPLES / "page" / "pages").items() if name.endswith(".css")}
    assert {name: files[f"pages/{name}"] for name in page} == page


def test_the_page_has_the_apps_part_where_there_is_an_app(made: Path, kind: str) -> None:
    html = (made / "pages" / "index.html").read_text()
    source = (EXAMPLES / "page" / "pages" / "index.html").read_text()
    assert source.count("app: from here") == source.count("to here -->") == 2
    assert "here -->" not in html
    assert [(made / "pages" / "account.py").exists(), "account.py" in html, 'id="ask"' in html] == [kind != "page"] * 3
    assert set(html.splitlines()) <= set(source.splitlines())


def test_a_folder_with_runtimes_holds_all_that_its_page_names(made: Path, archive: bytes) -> None:
    pages = made / "pages"
    html = (pages / "index.html").read_text()
    config = json.loads((pages / "pyscript.json").read_text())
    named = re.findall(r'(?:src|href|config|data-then)="(/[^"]*)"', html)
    named += [config["interpreter"], *[address.partition("#")[0] for address in config["files"]]]
    own = [name for name in named if not name.startswith("/api/auth/")]
    assert len(own) >= 8
    assert [name for name in own if not (pages / name.lstrip("/")).is_file()] == []
    assert "https://" not in html + json.dumps(config)
    assert (pages / packing.ARCHIVE).read_bytes() == archive
    for name in packing.SCRIPTS:
        assert (pages / f"nextauth-{name}.js").read_bytes() == packing.make_script(name)


def test_runtimes_are_those_of_a_folder_and_no_more(made: Path) -> None:
    copied = files_in(made / "pages" / "runtimes")
    assert set(copied) == {
        *(f"pyscript/{path.name}" for path in (VENDOR / "pyscript").iterdir()),
        *(f"micropython/{path.name}" for path in (VENDOR / "micropython").iterdir()),
    }
    assert all(text == (VENDOR / name).read_bytes() for name, text in copied.items())


@each_kind
@pytest.mark.parametrize("words", [[], ["--cdn"]])
def test_else_the_page_loads_them_from_a_cdn_in_pinned_versions(kind: str, words: list[str], tmp_path: Path) -> None:
    assert new(tmp_path / "mypage", *flags(kind), *words) == 0
    pages = tmp_path / "mypage" / "pages"
    pinned = json.loads((ROOT / "package.json").read_text())["dependencies"]
    cdn = "https://cdn.jsdelivr.net/npm/@"
    core = f"{cdn}pyscript/core@{pinned['@pyscript/core']}/dist/core.js"
    version = pinned["@micropython/micropython-webassembly-pyscript"]
    interpreter = f"{cdn}micropython/micropython-webassembly-pyscript@{version}/micropython.mjs"
    assert re.findall(r'"(https?://[^"]*)"', (pages / "index.html").read_text()) == [core, "http://localhost:3000/"]
    assert json.loads((pages / "pyscript.json").read_text())["interpreter"] == interpreter
    assert not (pages / "runtimes").exists()
    assert "/runtimes/" not in (pages / "index.html").read_text()


def test_runtimes_are_found_where_npm_installs_them() -> None:
    found = starting.find_runtimes(ROOT / "node_modules")
    assert {name: (folder / starting.RUNTIMES[name][1]).is_file() for name, folder in found.items()} == {
        "pyscript": True,
        "micropython": True,
    }


def test_offline_is_that_of_the_checkout(tmp_path: Path) -> None:
    assert new(tmp_path / "mypage", "--offline") == 0
    assert new(tmp_path / "other", "--runtimes", str(VENDOR)) == 0
    assert files_in(tmp_path / "mypage") == files_in(tmp_path / "other")


def test_offline_is_that_of_the_checkout_where_it_is_typed_if_the_package_is_installed_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PACKAGE", tmp_path / "site-packages" / "nextauth_client")
    monkeypatch.chdir(ROOT)
    assert new(tmp_path / "mypage", "--offline") == 0
    assert (tmp_path / "mypage" / "pages" / "runtimes" / "pyscript" / "core.js").is_file()


def test_an_empty_folder_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert new(Path(), "--flask") == 0
    assert new(tmp_path / "mypage", "--flask") == 0
    assert files_in(tmp_path / "empty") == files_in(tmp_path / "mypage")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "mypage"]


def test_others_may_read_it_as_any_folder(tmp_path: Path) -> None:
    (tmp_path / "any").mkdir()
    new(tmp_path / "mypage")
    rights = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("any", "mypage", "mypage/pages")]
    assert len(set(rights)) == 1


# ── what it says ─────────────────────────────────────────────────────────────────────────────────


@each_kind
def test_it_prints_what_the_readme_says_to_type(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "my page"
    new(folder, *flags(kind))
    printed = [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("    ")]
    [block] = re.findall(r"```sh\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert printed == [starting.change_to(str(folder)), *block.splitlines()]
    assert len(printed) == 3


@pytest.mark.parametrize(
    ("words", "other"), [([], "--runtimes node_modules"), (["--cdn"], "npm install @"), (["--offline"], "--cdn")]
)
def test_it_names_the_other_way(
    words: list[str], other: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new(tmp_path / "mypage", *words)
    assert other in capsys.readouterr().out


@pytest.mark.heavy("starts Python once a folder")
def test_what_a_readme_says_to_type_is_there(made: Path, kind: str) -> None:
    install, start = map(shlex.split, starting.start_commands(made))
    assert install[:4] == ["python", "-m", "pip", "install"]
    assert start[0] == "python"
    assert install[4:] == ["-r", "requirements.txt"]
    assert (made / "requirements.txt").is_file()
    if kind == "page":
        assert start[1:] == ["-m", "server_stub", "pages"]
    done = run(*start[1:], "--help", folder=made)
    assert done.returncode == 0, done.stderr
    assert "--port" in done.stdout
    if "--user grace" in (made / "README.md").read_text():
        assert "--user NAME" in done.stdout
    else:
        assert kind in ("page", "django")


def test_what_a_readme_names_is_there(made: Path) -> None:
    readme = (made / "README.md").read_text()
    assert len(readme.splitlines()) <= 20
    named = re.findall(r"`((?:[\w-]+/)*[\w-]+(?:\.\w+|/))`", readme)
    pages = {path.name for path in (made / "pages").iterdir()}
    assert len(named) >= 4
    assert [name for name in named if not (made / name).exists() and name not in pages | {"data/users.db"}] == []


def test_its_requirements_take_what_is_compatible_with_the_versions_here(made: Path, kind: str) -> None:
    """Which the browser's tests run it with."""
    ours, *others = [Requirement(line) for line in listed_in(made)]
    assert ours.name == ("nextauth-server-stub" if kind == "page" else "nextauth-server")
    assert ours.extras == (set() if kind == "page" else {kind})
    assert [one.name for one in others if one.name in ("django", "fastapi", "flask")] == [kind] * (kind != "page")
    for one in (ours, *others):
        here = starting.__version__ if one is ours else importlib.metadata.version(one.name)
        assert one.specifier.contains(here), one
        first, second = map(int, here.split(".")[:2])
        breaking = f"{first + 1}.0" if first else f"0.{second + 1}"
        assert not one.specifier.contains(breaking), one


@pytest.mark.parametrize(
    ("version", "versions"),
    [("0.1.0", ">=0.1.0,<0.2"), ("0.12.3", ">=0.12.3,<0.13"), ("1.0.0", ">=1.0.0,<2"), ("2.3.4", ">=2.3.4,<3")],
)
def test_compatible_is_what_semantic_versions_mean_by_it(version: str, versions: str) -> None:
    assert starting.compatible(version) == versions


@pytest.mark.parametrize(
    ("file", "heading", "framework"),
    [
        ("README.md", "## A page of your own", "flask"),
        ("docs/login.md", "# Login for a Python page", "django"),
    ],
)
def test_the_guides_say_to_type_what_it_prints(file: str, heading: str, framework: str) -> None:
    lines = commands(file, heading)
    assert lines[-3:] == ["cd mypage", *starting.start_commands(EXAMPLES / framework)]
    assert f"python -m nextauth_client new mypage --{framework}" in lines


def test_the_tutorial_begins_as_the_readme_does() -> None:
    first = commands("docs/tutorial.md", "## Two minutes")
    assert first == commands("README.md", "## A page of your own")[: len(first)]
    assert len(first) == 3


@pytest.mark.parametrize(
    ("folder", "typed"),
    [
        ("mypage", "cd mypage"),
        ("my page", "cd 'my page'"),
        ("it's", """cd 'it'"'"'s'"""),
        ("-x", "cd ./-x"),
        ("-", "cd ./-"),
        ("~", "cd '~'"),
        ("/srv/my page", "cd '/srv/my page'"),
    ],
)
def test_its_first_line_goes_to_the_folder(folder: str, typed: str) -> None:
    assert starting.change_to(folder) == typed


def test_on_windows_the_line_has_the_quotes_that_each_shell_there_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert starting.change_to(r"C:\Users\Ada Lovelace\mypage") == r'cd "C:\Users\Ada Lovelace\mypage"'


@pytest.mark.parametrize("name", ["-x", "my page", "~", "$HOME", "it's", "a&b", "#1", "über"])
def test_a_shell_gets_there_by_it(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    went = subprocess.run(
        ["sh", "-ec", f"{starting.change_to(name)}; pwd"], cwd=tmp_path, capture_output=True, text=True
    )
    assert went.stdout.strip() == str(tmp_path / name)


# ── what the guides say of its files ──────────────────────────────────────────────────────────────

GUIDES = sorted((ROOT / "docs").glob("*.md"))
PLACES = re.findall(
    r"^\| .*? \| `(/\S+)` \| `(/[^`]+)`",
    (ROOT / "docs" / "pages.md").read_text(encoding="utf-8").partition("### Where the files are\n")[2],
    re.MULTILINE,
)


def test_guides_that_name_files_of_the_checkout_lead_to_where_they_are_in_a_folder_of_new() -> None:
    named = [page for page in GUIDES if re.search(r"^[^`|]*/static/", page.read_text(encoding="utf-8"), re.MULTILINE)]
    assert [page.stem for page in named] == ["devtools", "micropython", "pages", "workers"]
    assert [page.stem for page in named if "#where-the-files-are" not in page.read_text(encoding="utf-8")] == []
    paths = {path for page in named for path in re.findall(r'"(/static/[^"#]+)', page.read_text(encoding="utf-8"))}
    assert paths == {path for path, _ in PLACES}


@pytest.mark.heavy("copies a folder with the runtimes, and writes its archives")
def test_the_files_are_where_the_guides_say(made: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(made, tmp_path / "mypage")
    pages = folder / "pages"
    for path, _ in PLACES:
        assert path.startswith("/static/client/") or (ROOT / path.lstrip("/")).is_file()
    options = commands("docs/devtools.md", "### In a folder of `new`")[0].partition(" nextauth_client ")[2]
    done = run("-m", "nextauth_client", *shlex.split(options), folder=folder)
    assert [there for _, there in PLACES if not (pages / there.lstrip("/")).is_file()] == []
    config = json.loads((pages / "pyscript.json").read_text())
    one, two = json.loads(done.stdout)["files"].items()
    assert config["files"] == dict([one])
    assert two == (f"/{packing.DEVTOOLS}#.tar.gz", "./*")


# ── what it refuses ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("full", "is not empty"),
        ("file", "is a file already"),
        ("file/mypage", "no folder"),
        ("missing/mypage", "make that first"),
        ("a\nb", "is no name for a folder"),
        ("my\0page", "is no name for a folder"),
        ("my\\page", "is no name for a folder"),
        ("a" * 300, "could not be made"),
    ],
)
@pytest.mark.parametrize("words", [[], ["--flask"]])
def test_a_folder_that_it_cannot_make_is_refused_in_words(
    name: str, says: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").write_text("kept")
    (tmp_path / "file").write_text("kept")
    assert new(tmp_path / name, *words) == 1
    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""
    assert files_in(tmp_path) == {"full/kept": b"kept", "file": b"kept"}


def test_a_folder_inside_the_package_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert new(starting.PACKAGE / "mypage") == 1
    assert "belongs to the package itself" in capsys.readouterr().err
    assert not (starting.PACKAGE / "mypage").exists()


def test_a_folder_without_runtimes_is_refused_and_what_gets_them_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new(tmp_path / "mypage", "--runtimes", str(tmp_path)) == 1
    versions = [f"{name}@{version}" for name, version in starting.VERSIONS.items()]
    assert f"npm install {' '.join(versions)}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@each_framework
@pytest.mark.parametrize("installed", ["nothing", "an older one"])
def test_without_nextauth_server_it_says_what_to_install(
    framework: str,
    installed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    older = importlib.util.spec_from_file_location("nextauth_server", tmp_path / "__init__.py")
    monkeypatch.setattr(starting, "find_spec", lambda name: older if installed == "an older one" else None)
    assert new(tmp_path / "mypage", f"--{framework}") == 1
    assert f'`python -m pip install --upgrade "nextauth-server[{framework}]"`' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_there", [True, False])
def test_nothing_half_written_is_left(is_there: bool, tmp_path: Path) -> None:
    def fill_the_disk(pages: Path) -> dict[str, dict[str, str]]:
        (pages / "one").write_text("1")
        raise OSError(28, "No space left on device")

    if is_there:
        (tmp_path / "mypage").mkdir()
    with pytest.raises(starting.CannotStart, match="No space left on device"):
        starting.make_folder(tmp_path / "mypage", write_client=fill_the_disk)
    assert [path.name for path in tmp_path.iterdir()] == ["mypage"] * is_there
    assert files_in(tmp_path) == {}


@pytest.mark.parametrize(
    "words",
    [
        ["new"],
        ["new", "a", "b"],
        ["new", "a", "--flask", "--django"],
        ["new", "a", "--cdn", "--offline"],
        ["new", "a", "--cdn", "--runtimes", "x"],
        ["new", "a", "--rails"],
    ],
)
def test_what_it_does_not_know_is_refused_with_the_usage(words: list[str], tmp_path: Path) -> None:
    done = run("-m", "nextauth_client", *words, folder=tmp_path)
    assert done.returncode == 2
    assert "usage: python -m nextauth_client" in done.stderr
    assert list(tmp_path.iterdir()) == []


# ── `make example` ────────────────────────────────────────────────────────────────────────────────


def test_every_folder_of_examples_is_one_that_make_starts() -> None:
    """But for configurations, which docs/production.md is about."""
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == {*NAMES, "production"}
    assert {name for name in TARGETS if name.startswith("example-")} == {f"example-{name}" for name in NAMES}


@pytest.mark.parametrize("name", ["wrker", "", "production", "a b"])
def test_an_example_that_is_not_there_is_refused_with_those_that_are(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert setup.main([f"example-{name}"]) == 2
    said = capsys.readouterr().err
    assert f"There is no example {name!r}" in said
    assert "attributes, django, express, fastapi" in said


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_of_an_example_is_short_and_says_what_to_type_and_to_open(name: str) -> None:
    readme = (EXAMPLES / name / "README.md").read_text()
    assert len(readme.splitlines()) <= 20
    assert (
        f"make example NAME={name}\n" in readme or name in KINDS
    )  # which are copied, and so have commands of their own
    assert "`ada`" in readme and "lovelace`" in readme
    page = "http://localhost:8000"
    assert (
        example.address(name, 8000)
        == {
            **dict.fromkeys(NAMES, f"{page}/examples/{name}/"),
            **dict.fromkeys([*KINDS, "nextjs"], page),
            "express": "https://localhost:8443",
        }[name]
    )
    named = re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|js|html|json))`", readme)
    missing = [
        file for file in named if not any((folder / file).exists() for folder in (EXAMPLES / name, ROOT / "static"))
    ]
    assert missing == [] or name in KINDS


@pytest.mark.parametrize("name", NAMES)
def test_a_port_that_is_taken_is_said_before_anything_is_made(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(example, "MADE", tmp_path / "examples")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert example.main([name, "--port", str(port)]) == 1
    said = capsys.readouterr().err
    assert f"Port {port} is already in use" in said
    assert f"make example NAME={name} PORT=8000" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "folder", "command"),
    [
        ("worker", ROOT, [sys.executable, "-m", "server_stub", "--port", "8000", "--dev-controls"]),
        ("page", "page", [sys.executable, "-m", "server_stub", "pages", "--port", "8000"]),
        ("flask", "flask", [sys.executable, "app.py", "--port", "8000"]),
    ],
)
def test_what_an_example_starts(
    name: str, folder: Path | str, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example, "MADE", tmp_path)
    assert example.prepared(name, 8000) == (tmp_path / folder, command)


@pytest.mark.parametrize("name", ["express", "nextjs"])
def test_an_example_on_node_js_starts_with_a_secret_of_its_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PORT", "AUTH_SECRET", "PATH"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setattr(example, "install_node", lambda: Node(Path("/x/bin/node"), Path("/x/bin/npm")))
    assert example.prepared(name, 8000) == (EXAMPLES / name, ["/x/bin/npm", "start"])
    assert os.environ["PORT"] == "8000"
    assert len(os.environ["AUTH_SECRET"]) == 64
    assert os.environ["PATH"].startswith("/x/bin")  # or `npm start` would find no node


# ── the apps' pages ──────────────────────────────────────────────────────────────────────────────


CLIENTS = {
    "django": """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
import django
django.setup()
from django.test import Client
client = Client(headers={"host": "localhost"})
""",
    "fastapi": "import app; from starlette.testclient import TestClient; client = TestClient(app.app)",
    "flask": "import app; client = app.app.test_client()",
}
GIVEN = ["index.html", "a/b.txt", "a..b", ".well-known/security.txt"]
HIDDEN = [".env", ".git/config", "a/.env", ".well-known/.env", ".well-knownnot"]


@pytest.mark.heavy("starts each of the apps")
@each_framework
def test_files_whose_names_begin_with_a_dot_are_not_given_to_anybody(framework: str, tmp_path: Path) -> None:
    app = shutil.copytree(EXAMPLES / framework, tmp_path / "app")
    for name in GIVEN + HIDDEN:
        (app / "pages" / name).parent.mkdir(parents=True, exist_ok=True)
        (app / "pages" / name).write_text(name)
    ask = f"print([name for name in {GIVEN + HIDDEN} if client.get('/' + name).status_code == 200])"
    done = run("-W", "ignore", "-c", f"{CLIENTS[framework]}\n{ask}", folder=app)
    assert done.stdout.strip() == str(GIVEN), done.stderr


# ── the apps' users ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=["fastapi", "flask"])
def users(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`users.py` of an app, with no database yet."""
    file = EXAMPLES / request.param / "users.py"
    spec = importlib.util.spec_from_file_location("users", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "DATA", tmp_path / "data")
    return module


@pytest.mark.heavy("hashes passwords as slowly as an app should")
def test_the_first_user_is_made_once(users: ModuleType) -> None:
    users.add_first()
    users.save("ada", "changed")
    users.add_first()
    assert users.check("ada", "lovelace") is None
    assert users.check("ada", "changed").name == "Ada Lovelace"
    assert users.find(users.check("ada", "changed").id).username == "ada"


@pytest.mark.heavy("hashes passwords as slowly as an app should")
@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_another_password_ends_the_sessions(tmp_path: Path, framework: str) -> None:
    app = shutil.copytree(EXAMPLES / framework, tmp_path / "app")
    (app / "pages").mkdir(exist_ok=True)
    ask = """
import json
import users
users.add_first()
token = json.loads(client.get("/api/auth/csrf").text)["csrfToken"]
fields = {"username": "ada", "password": "lovelace", "csrfToken": token, "json": "true"}
client.post("/api/auth/callback/credentials", data=fields)
print(client.get("/api/account").status_code)
users.save("grace", "hopper")
print(client.get("/api/account").status_code)
users.save("ada", "another")
print(client.get("/api/account").status_code)
"""
    done = run("-W", "ignore", "-c", f"{CLIENTS[framework]}\n{ask}", folder=app)
    assert done.stdout.split() == ["200", "200", "401"], done.stderr


@pytest.mark.heavy("hashes passwords as slowly as an app should")
def test_no_more_than_two_passwords_are_hashed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 32 MB."""
    app = shutil.copytree(EXAMPLES / "fastapi", tmp_path / "app")
    check = runpy.run_path(str(app / "users.py"))["check"]
    begun, may_end = threading.Semaphore(0), threading.Event()

    def hash_slowly(*_: object, **__: object) -> bytes:
        begun.release()
        assert may_end.wait(timeout=20)
        return b"none"

    monkeypatch.setattr(hashlib, "scrypt", hash_slowly)
    threads = [threading.Thread(target=check, args=("ada", "x")) for _ in range(3)]
    for thread in threads:
        thread.start()
    at_once = [begun.acquire(timeout=5), begun.acquire(timeout=5), begun.acquire(timeout=1)]
    may_end.set()
    for thread in threads:
        thread.join()
    assert at_once == [True, True, False]
    assert begun.acquire(timeout=0)


@pytest.mark.heavy("hashes passwords as slowly as an app should")
def test_a_wrong_password_and_nobody_are_nobody(users: ModuleType) -> None:
    users.add_first()
    for username, password in (("ada", ""), ("ada", "Lovelace"), ("", ""), ("alan", "lovelace"), ("alan", "")):
        assert users.check(username, password) is None
    assert [users.find(id) for id in (None, 0, 2, "x")] == [None] * 4


def test_no_password_is_kept(users: ModuleType, tmp_path: Path) -> None:
    users.add_first()
    assert b"Ada Lovelace" in (tmp_path / "data" / "users.db").read_bytes()
    assert b"lovelace" not in (tmp_path / "data" / "users.db").read_bytes()


def test_the_secret_key_is_long_is_nobody_elses_and_stays(users: ModuleType, tmp_path: Path) -> None:
    first = users.secret_key()
    assert len(first) >= 48
    assert users.secret_key() == first
    assert stat.S_IMODE((tmp_path / "data" / "secret.txt").stat().st_mode) == 0o600
    (tmp_path / "data" / "secret.txt").unlink()
    assert users.secret_key() != first


def test_nobody_else_may_look_into_what_is_kept(users: ModuleType, tmp_path: Path) -> None:
    users.add_first()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    (tmp_path / "data" / "users.db").unlink()
    (tmp_path / "data").rmdir()
    users.secret_key()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def key_of(app: Path) -> str:
    if (app / "users.py").exists():
        return str(runpy.run_path(str(app / "users.py"))["secret_key"]())
    return str(runpy.run_path(str(app / "mysite" / "settings.py"))["SECRET_KEY"])


@each_framework
def test_processes_that_start_together_have_one_key(
    framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[str] = []
    make = secrets.token_urlsafe

    def make_while_another_starts(size: int | None = None) -> str:
        if size and not others:
            others.append("")
            others[0] = key_of(app)
        return make(size)

    app = shutil.copytree(EXAMPLES / framework, tmp_path / "app")
    monkeypatch.setattr(secrets, "token_urlsafe", make_while_another_starts)
    assert [key_of(app)] == others
    assert len(others[0]) >= 48
    assert [path.name for path in (app / "data").iterdir()] == ["secret.txt"]
    assert stat.S_IMODE((app / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((app / "data" / "secret.txt").stat().st_mode) == 0o600


@each_framework
def test_an_empty_file_is_no_key(framework: str, tmp_path: Path) -> None:
    app = shutil.copytree(EXAMPLES / framework, tmp_path / "app")
    (app / "data").mkdir()
    (app / "data" / "secret.txt").touch()
    assert len(key_of(app)) >= 48
    assert key_of(app) == key_of(app)
