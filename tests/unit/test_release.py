"""What `make release-check` refuses, and with which words."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nextauth_client
import pytest
from nextauth_client import packing

from scripts import artefacts, cdn, limits, release
from scripts.artefacts import Artefact
from scripts.distributions import DISTRIBUTIONS, Distribution, build
from scripts.steps import ROOT

PRIVATE = ["users.db", "db.sqlite3", "tls.pem", "tls.key", "secret.txt", ".env"]
VERSION = nextauth_client.__version__
CLIENT = DISTRIBUTIONS[0]

of_each = pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda distribution: distribution.name)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    for distribution in DISTRIBUTIONS:
        build(distribution.folder, folder, "wheel", "sdist")
    return folder


def built(dist: Path, distribution: Distribution, ending: str) -> Path:
    [file] = dist.glob(f"{distribution.name.replace('-', '_')}-{VERSION}*{ending}")
    return file


# ── what is built ────────────────────────────────────────────────────────────────────────────────


@of_each
@pytest.mark.parametrize("ending", [".whl", ".tar.gz"])
def test_nothing_is_wrong_with_what_the_checkout_builds(dist: Path, distribution: Distribution, ending: str) -> None:
    artefact = artefacts.read(built(dist, distribution, ending))
    assert len(artefact.files) > 20
    assert artefacts.problems(artefact, distribution, VERSION) == []


@pytest.mark.parametrize("distribution", DISTRIBUTIONS[:2], ids=lambda distribution: distribution.name)
def test_what_an_example_writes_where_it_runs_is_not_brought(tmp_path: Path, distribution: Distribution) -> None:
    """Nor what else is private in its folder. The examples are in packages as links, and git ignores it elsewhere."""
    for name in ("client", "server", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True)
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for app in ("django", "fastapi", "flask", "page/pages"):
        folder = tmp_path / "examples" / app
        for private in ("data/secret.txt", "data/users.db", "node_modules/x.js", *PRIVATE):
            (folder / private).parent.mkdir(exist_ok=True)
            (folder / private).write_text("private")
    build(tmp_path / distribution.folder.relative_to(ROOT), tmp_path / "dist", "wheel", "sdist")
    brought = [artefacts.read(file) for file in (tmp_path / "dist").iterdir()]
    assert len(brought) == 2
    assert [name for one in brought for name, content in one.files.items() if content == b"private"] == []
    assert [problem for one in brought for problem in artefacts.problems(one, distribution, VERSION)] == []


@of_each
def test_a_wheel_is_small(dist: Path, distribution: Distribution) -> None:
    assert artefacts.too_large(built(dist, distribution, ".whl"), limits.WHEELS[distribution.name]) == []


@of_each
def test_an_sdist_gives_the_checkouts_wheel(dist: Path, distribution: Distribution) -> None:
    wheel = built(dist, distribution, ".whl").read_bytes()
    assert release.wheel_of(built(dist, distribution, ".tar.gz")) == wheel


# ── what is refused ──────────────────────────────────────────────────────────────────────────────


Change = Callable[[dict[str, bytes]], None]


def without(name: str) -> Change:
    def change(files: dict[str, bytes]) -> None:
        [path] = [path for path in files if path.endswith(name)]
        del files[path]

    return change


def also(path: str, content: bytes = b"") -> Change:
    return lambda files: files.update({path: content})


def metadata(old: str, new: str) -> Change:
    def change(files: dict[str, bytes]) -> None:
        [path] = [path for path in files if path.endswith(("/METADATA", "PKG-INFO"))]
        changed = re.sub(old.encode(), new.encode(), files[path], count=1, flags=re.M)
        assert changed != files[path]
        files[path] = changed

    return change


IN_BOTH = [
    (without("LICENSE"), "brings no licence: put a copy of LICENSE"),
    (without("py.typed"), "has no py.typed"),
    (metadata("^Name: .*", "Name: nextauth"), "is called nextauth, not nextauth-client"),
    (metadata("^Version: .*", "Version: 0.0.9"), f"has version 0.0.9, the client {VERSION}"),
    (metadata("^Summary: .*\n", ""), "says no Summary"),
    (metadata("^Project-URL: .*\n", ""), "says no Project-URL"),
    (metadata("^License-Expression: .*\n", ""), "says no License-Expression"),
    (metadata("^Requires-Python: .*\n", ""), "says no Requires-Python"),
    (metadata("^Classifier: Typing :: Typed\n", ""), "lacks the classifier Typing :: Typed"),
    (metadata("^# nextauth-client", "# another"), 'write `readme = "client/README.md"`'),
    (also("nextauth_client/tests/test_urls.py"), "brings nextauth_client/tests/test_urls.py, which nobody needs"),
    (also("nextauth_client/conftest.py"), "brings nextauth_client/conftest.py, which nobody needs"),
    (also("nextauth_client/.env"), "brings nextauth_client/.env, which nobody needs"),
    *[
        (also(f"nextauth_client/page/{name}"), f"brings nextauth_client/page/{name}, which nobody needs")
        for name in ["data/users", "node_modules/x.js", *PRIVATE]
    ],
    (also("nextauth_client/__pycache__/urls.pyc"), "brings nextauth_client/__pycache__/urls.pyc, which nobody needs"),
    (also("nextauth_client/where.py", b"# /home/ada/work/x"), "names /home/ada/work/ in nextauth_client/where.py"),
]
IN_WHEELS = [(also("server_stub/__init__.py"), "brings server_stub/__init__.py, not of nextauth_client")]


@pytest.mark.parametrize(
    ("ending", "change", "words"),
    [
        *[(ending, *case) for ending in (".whl", ".tar.gz") for case in IN_BOTH],
        *[(".whl", *case) for case in IN_WHEELS],
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    dist: Path, monkeypatch: pytest.MonkeyPatch, ending: str, change: Change, words: str
) -> None:
    monkeypatch.setattr(artefacts, "PRIVATE_PLACES", [b"/home/ada/work/"])
    artefact = artefacts.read(built(dist, CLIENT, ending))
    files = dict(artefact.files)
    change(files)
    [problem] = artefacts.problems(Artefact(artefact.name, files), CLIENT, VERSION)
    assert problem.startswith(f"{artefact.name}: ")
    assert words in problem


@pytest.mark.parametrize("needed", ["nextauth-client", "nextauth-client==0.0.9", "nextauth-client>=0.0.9"])
def test_what_would_leave_an_older_client_beside_it_is_refused(dist: Path, needed: str) -> None:
    server = DISTRIBUTIONS[1]
    artefact = artefacts.read(built(dist, server, ".whl"))
    files = dict(artefact.files)
    metadata("^Requires-Dist: nextauth-client==.*", f"Requires-Dist: {needed}")(files)
    [problem] = artefacts.problems(Artefact(artefact.name, files), server, VERSION)
    assert f"needs {needed}, which may be of another release: write `=={VERSION}`" in problem


def test_another_licence_is_no_licence(dist: Path) -> None:
    artefact = artefacts.read(built(dist, CLIENT, ".tar.gz"))
    [problem] = artefacts.problems(artefact._replace(files={**artefact.files, "LICENSE": b"Mine."}), CLIENT, VERSION)
    assert "brings no licence" in problem


def test_a_module_for_tests_of_others_is_no_test(dist: Path) -> None:
    assert "nextauth_client/testing.py" in artefacts.read(built(dist, CLIENT, ".whl")).files


def test_what_is_too_large_is_refused_with_both_sizes(tmp_path: Path) -> None:
    file = tmp_path / "a.whl"
    file.write_bytes(b"12345")
    assert artefacts.too_large(file, 5) == []
    [problem] = artefacts.too_large(file, 4)
    assert "has 5 bytes, and 4 are allowed" in problem


@pytest.mark.parametrize(
    ("changelog", "words"),
    [
        ("# Changelog\n\n## 0.2.0 (2030-01-31)\n\n- …\n\n## 0.1.0 (2029-01-31)\n", ""),
        ("# Changelog\n\n## 0.2.0 (unreleased)\n", ""),
        ("# Changelog\n\n## 0.1.0 (2029-01-31)\n\n## 0.2.0 (2030-01-31)\n", "begins with 0.1.0, not with 0.2.0"),
        ("# Changelog\n\n## Unreleased\n", "begins with Unreleased, not with 0.2.0"),
        ("# Changelog\n", "begins with no version"),
        ("## 0.2.0\n", "says no day of 0.2.0"),
        ("## 0.2.0 (soon)\n", "says no day of 0.2.0"),
    ],
)
def test_the_changelog_has_to_begin_with_the_version_and_a_day(changelog: str, words: str) -> None:
    found = artefacts.changelog_problems(changelog, "0.2.0")
    assert len(found) == bool(words)
    assert all(words in problem for problem in found)


def test_only_the_newest_version_can_be_unreleased() -> None:
    assert artefacts.is_unreleased("## 0.2.0 (unreleased)\n\n## 0.1.0 (2029-01-31)\n")
    assert not artefacts.is_unreleased("## 0.2.0 (2030-01-31)\n\n## 0.1.0 (unreleased)\n")


# ── the command ──────────────────────────────────────────────────────────────────────────────────


def test_everything_that_is_wrong_is_said_at_once_and_nothing_is_laid_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "CHANGELOG.md").write_text("## 9.9.9 (2030-01-31)\n")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "nextauth_client-0.0.9-py3-none-any.whl").write_text("an older release")
    monkeypatch.setattr(release, "CHANGELOG", tmp_path / "CHANGELOG.md")
    monkeypatch.setattr(release, "DIST", tmp_path / "dist")
    monkeypatch.setitem(limits.WHEELS, "nextauth-server", 1)
    assert release.main([]) == 1
    problems = capsys.readouterr().err.splitlines()
    assert [problem.partition(":")[0] for problem in problems] == [
        "CHANGELOG.md",
        f"nextauth_server-{VERSION}-py3-none-any.whl",
    ]
    assert len(list((tmp_path / "dist").iterdir())) == 6


@pytest.mark.heavy("builds the three distributions")
def test_what_stands_can_be_released_and_pages_files_are_laid_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All but the installing, which tests/stub/test_stub_install.py shows and which takes longer."""
    monkeypatch.setattr(release, "DIST", tmp_path / "dist")
    monkeypatch.setattr(release, "install_each", lambda folder, version: None)
    assert release.main(["--cdn", "https://files.example/"]) == 0, capsys.readouterr()
    said = capsys.readouterr().out
    assert f'src="https://files.example/{VERSION}/nextauth-early.js" integrity="sha384-' in said
    assert ("is unreleased" in said) == artefacts.is_unreleased(release.CHANGELOG.read_text(encoding="utf-8"))
    laid_out = {file.name for file in (tmp_path / "dist" / "cdn" / VERSION).iterdir()}
    scripts = {f"nextauth-{name}.js" for name in packing.SCRIPTS}
    assert laid_out == {packing.ARCHIVE, *scripts}


# ── pages' files on another host ─────────────────────────────────────────────────────────────────


def test_integrity_is_what_browsers_compare(tmp_path: Path) -> None:
    """The example of https://www.w3.org/TR/SRI/."""
    (tmp_path / "hello.js").write_bytes(b"alert('Hello, world.');")
    example = "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO"
    assert cdn.integrity(tmp_path / "hello.js") == example


def test_the_lines_to_paste_name_each_file_with_its_hash(tmp_path: Path) -> None:
    folder = tmp_path / VERSION
    cdn.write_cdn(folder)
    lines = cdn.lines_to_paste(folder, "https://files.example/1")
    for file in folder.iterdir():
        [line] = [line for line in lines if f'"https://files.example/1/{file.name}"' in line]
        assert f'"{cdn.integrity(file)}"' in line
    [files] = [line for line in lines if "files" in line.partition(":")[0]]
    archive = f"https://files.example/1/{packing.ARCHIVE}{packing.KIND}"
    assert json.loads(f"{{ {files} }}") == {"files": {archive: "./*"}}
