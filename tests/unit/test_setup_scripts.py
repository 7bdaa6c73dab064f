"""What `make` does before it runs something."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from scripts import browsers, environment, node, proxies, setup, steps
from scripts.steps import ROOT, SetupError, Stamp
from scripts.vendor import VENDOR
from scripts.wheel import build_wheel


def program(folder: Path, name: str, script: str = "") -> Path:
    """A program of that name for a PATH."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


# Steps


def test_a_step_runs_again_when_a_file_that_it_reads_changes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.py").write_text("1")
    stamp = Stamp(tmp_path / ".stamp", source, "a word")
    assert not stamp.is_fresh()

    stamp.write()
    assert stamp.is_fresh()
    assert not Stamp(tmp_path / ".stamp", source, "another word").is_fresh()

    (source / "a.py").write_text("2")
    assert not stamp.is_fresh()
    stamp.write()
    (source / "b.py").write_text("")
    assert not stamp.is_fresh()


def test_compiled_files_do_not_count_as_a_change(tmp_path: Path) -> None:
    stamp = Stamp(tmp_path.parent / f"{tmp_path.name}.stamp", tmp_path)
    stamp.write()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("")
    assert stamp.is_fresh()


def test_a_failed_command_shows_its_output_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    failing = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"
    with pytest.raises(SetupError, match=r"^Type something else\.$"):
        steps.run([sys.executable, "-c", failing], advice="Type something else.")
    assert "one\ntwo" in capsys.readouterr().out


def test_a_command_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="Install it"):
        steps.run([tmp_path / "nothing"], advice="Install it.")


def test_apt_is_left_alone_by_someone_who_is_not_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "apt-get", "touch $(dirname $0)/called")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not steps.apt_install("chromium")
    assert not (tmp_path / "called").exists()


def test_apt_updates_its_lists_before_it_installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "apt-get", 'echo "$1" >> $(dirname $0)/called')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert steps.apt_install("chromium")
    assert (tmp_path / "called").read_text().split() == ["update", "install"]


def test_an_unknown_target_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert setup.main(["everything"]) == 2
    assert "scripts.setup demo" in capsys.readouterr().err


# The virtual environment


def test_a_python_that_cannot_make_environments_says_which_package_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path)
    monkeypatch.setattr(environment, "apt_install", lambda package: False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match=rf"sudo apt install python3\.{sys.version_info.minor}-venv"):
        environment.install_dev()


def test_an_environment_that_is_used_elsewhere_is_not_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path / "link")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "used")
    with pytest.raises(SetupError, match="remove the link"):
        environment.install_dev()
    assert (tmp_path / "used" / "file").exists()


def test_the_backend_runs_from_the_checkout_and_not_from_a_copy() -> None:
    code = "import server_stub; print(server_stub.__file__)"
    assert Path(steps.run([sys.executable, "-c", code], advice="").strip()) == ROOT / "server_stub" / "__init__.py"
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("nextauth-server-stub")


# Node.js


@pytest.mark.parametrize(
    ("version", "found"), [("v20.0.0", True), ("v24.19.0", True), ("v18.20.4", False), ("none", False)]
)
def test_the_machines_node_is_taken_when_it_is_new_enough(
    version: str, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = tmp_path / "bin"
    mine = node.Node(program(machine, "node", f"echo {version}"), program(machine, "npm"))
    monkeypatch.setenv("PATH", f"{machine}:/bin")
    monkeypatch.setattr(node, "VENV", tmp_path / "none")
    assert node.find_node() == (mine if found else None)


def test_an_old_node_gives_way_to_the_one_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, environment = tmp_path / "bin", tmp_path / "venv" / "bin"
    environment.mkdir(parents=True)
    program(machine, "node", "echo v12.0.0")
    program(machine, "npm")
    wheel = node.Node(program(environment, "node", "echo v24.0.0"), program(environment, "npm"))
    monkeypatch.setenv("PATH", f"{machine}:/bin")
    monkeypatch.setattr(node, "VENV", tmp_path / "venv")
    assert node.find_node() == wheel


# Browsers


CHOSEN = pytest.mark.parametrize(
    ("variable", "name"), [("CHROMIUM", "chromium"), ("FIREFOX", "firefox"), ("WEBKIT", "webkit")]
)


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a machine's only programs; there are no browsers among them, and no apt-get."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "browsers"))
    for variable in ("CHROMIUM", "FIREFOX", "WEBKIT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(browsers, "MAC_APPS", [])
    monkeypatch.setattr(browsers, "MINIBROWSERS", [str(tmp_path / "*" / "MiniBrowser")])
    return tmp_path


def make_browsers(folder: Path) -> None:
    """Programs that are called like browsers, in this folder."""
    (folder / "webkit").mkdir()
    program(folder / "webkit", "MiniBrowser")
    for name in ("chromium", "firefox-esr", "WebKitWebDriver", "Xvfb"):
        program(folder, name)


@CHOSEN
def test_the_chosen_browser_comes_first(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, name: str
) -> None:
    make_browsers(bare_machine)
    chosen = program(bare_machine, "my-own")
    monkeypatch.setenv(variable, str(chosen))
    assert browsers.main([name]) == 0
    assert capsys.readouterr().out.strip() == str(chosen)


@CHOSEN
def test_a_chosen_browser_that_is_not_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, name: str
) -> None:
    monkeypatch.setenv(variable, "/nowhere/browser")
    assert browsers.main([name]) == 1
    assert f"{variable} is set to /nowhere/browser" in capsys.readouterr().err


def test_the_machines_browsers_come_next(bare_machine: Path) -> None:
    chrome = program(bare_machine, "google-chrome")
    assert browsers.find_chromium() == str(chrome)
    make_browsers(bare_machine)
    assert browsers.find_chromium() == str(bare_machine / "chromium")
    assert browsers.find_firefox() == str(bare_machine / "firefox-esr")
    webkit = (bare_machine / "webkit" / "MiniBrowser", bare_machine / "WebKitWebDriver", bare_machine / "Xvfb")
    assert browsers.find_webkit() == tuple(map(str, webkit))
    assert browsers.main(["missing"]) == 0


@pytest.mark.parametrize("part", ["WebKitWebDriver", "Xvfb", "webkit/MiniBrowser"])
def test_webkit_is_missing_when_one_of_its_parts_is(bare_machine: Path, part: str) -> None:
    make_browsers(bare_machine)
    (bare_machine / part).unlink()
    [line] = browsers.missing_browsers()
    assert "sudo apt install webkit2gtk-driver xvfb" in line


@pytest.mark.usefixtures("bare_machine")
def test_missing_browsers_are_named_with_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    assert browsers.main(["missing"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" is missing: type `")[0] for line in lines] == ["Chromium", "Firefox", "WebKit"]


def test_root_gets_debians_firefox_and_webkit(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(browsers, "apt_install", asked.append)
    browsers.install_firefox_and_webkit()
    assert asked == ["firefox-esr", "webkit2gtk-driver", "xvfb"]
    make_browsers(bare_machine)
    browsers.install_firefox_and_webkit()
    assert len(asked) == 3


@pytest.mark.usefixtures("bare_machine")
def test_playwrights_own_chromium_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert browsers.find_chromium() is None
    own = program(tmp_path, "playwrights-chromium")
    # An environment whose Playwright says where its browser is.
    monkeypatch.setattr(browsers, "VENV_PYTHON", program(tmp_path, "python", f"echo {own}"))
    assert browsers.find_chromium() == str(own)


@pytest.mark.usefixtures("bare_machine")
def test_without_root_playwright_installs_chromium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = tmp_path / "called"
    monkeypatch.setattr(browsers, "VENV_PYTHON", program(tmp_path, "python", f'echo "$*" >> {called}; exit 1'))
    with pytest.raises(SetupError, match="Chromium is missing"):
        browsers.install_chromium()
    assert called.read_text().splitlines()[-1] == "-m playwright install chromium"


# Proxies


def test_root_gets_debians_proxies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, system = tmp_path / "bin", tmp_path / "sbin"
    asked: list[str] = []

    def install(package: str) -> bool:
        asked.append(package)
        program(system, package)
        return True

    monkeypatch.setenv("PATH", str(machine))
    monkeypatch.setattr(proxies, "SYSTEM", str(system))
    monkeypatch.setattr(proxies, "apt_install", install)
    caddy = program(machine, "caddy")
    proxies.install_proxies("caddy", "nginx")
    assert asked == ["nginx"]
    assert [proxies.find_proxy(name) for name in ("caddy", "nginx")] == [str(caddy), str(system / "nginx")]


def test_without_root_it_says_how_to_get_the_proxies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(proxies, "SYSTEM", str(tmp_path))
    with pytest.raises(SetupError, match="caddy is missing: type `sudo apt install caddy nginx`"):
        proxies.install_proxies("caddy", "nginx")


# static/


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the wheel is built from."""
    folder = tmp_path / "checkout"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "client", folder / "client", ignore=ignore)
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def test_the_wheel_holds_the_package_alone(checkout: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(build_wheel(checkout, tmp_path / "wheels")) as wheel:
        names = wheel.namelist()
    package = checkout / "client"
    assert {name for name in names if ".dist-info/" not in name} == {
        path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()
    } - {"README.md"}
    others = {"py.typed", "nextauth-early.js", "nextauth-blocked.js", "nextauth-page.js"}
    assert {f"nextauth_client/{name}" for name in others} <= set(names)


def test_the_same_sources_give_the_same_wheel(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build_wheel(checkout, tmp_path / "first").read_bytes()
    for file in checkout.rglob("*.py"):
        os.utime(file, (2_000_000_000, 2_000_000_000))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert build_wheel(checkout, tmp_path / "second").read_bytes() == first


def test_an_older_wheel_does_not_stay(checkout: Path, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "nextauth_client-0.0.1-py3-none-any.whl").write_text("")
    wheel = build_wheel(checkout, wheels)
    assert list(wheels.iterdir()) == [wheel]


def test_pyodides_lock_names_the_micropip_that_lies_beside_it() -> None:
    lock = json.loads((VENDOR / "pyodide" / "pyodide-lock.json").read_text())
    [micropip] = lock["packages"].values()
    wheel = VENDOR / "pyodide" / micropip["file_name"]
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == micropip["sha256"]
    assert f"micropip=={micropip['version']} " in (ROOT / "scripts" / "micropip.txt").read_text()


def test_micropip_is_the_version_that_this_pyodide_was_released_with() -> None:
    released = json.loads((ROOT / "node_modules" / "pyodide" / "pyodide-lock.json").read_text())
    installed = json.loads((VENDOR / "pyodide" / "pyodide-lock.json").read_text())
    assert installed["packages"]["micropip"]["version"] == released["packages"]["micropip"]["version"]


def test_pages_get_every_interpreter_and_no_source_map() -> None:
    files = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert {
        "pyscript/core.js",
        "pyscript/core.css",
        "pyodide/pyodide.mjs",
        "pyodide/pyodide.asm.mjs",
        "pyodide/pyodide.asm.wasm",
        "pyodide/python_stdlib.zip",
        "micropython/micropython.mjs",
        "micropython/micropython.wasm",
    } <= files
    assert [name for name in files if name.endswith((".map", ".d.ts"))] == []
