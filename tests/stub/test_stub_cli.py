"""``python -m server_stub`` as a parent process and a person at a terminal see it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from server_stub import MagicLinks
from server_stub.cli import announcement, build_parser, check, main, parse_options, variable
from server_stub.server import listen
from tests.stub.strangers import SECRET
from tests.support import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_url_serves_and_stops_when_told(tmp_path: Path, signal_number: int) -> None:
    (tmp_path / "index.html").write_text("home")
    command = [sys.executable, "-m", "server_stub", str(tmp_path), "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().rstrip("\n")
        # The client stays connected while the server is told to stop.
        with httpx.Client(base_url=url) as client:
            assert client.get("/").text == "home"
            assert client.get("/api/auth/session").json() == {}
            process.send_signal(signal_number)
            assert process.wait(PATIENCE) == 0
        assert "ada / lovelace" in process.stdout.read()
        assert process.stderr.read() == ""


def test_the_files_that_it_works_with_are_not_served_with_the_folder(tmp_path: Path) -> None:
    (tmp_path / "stub.toml").write_text("[users.grace]\nemail = 'grace@example.com'\npassword = 'cobol'")
    (tmp_path / "index.html").write_text("home")
    options = ["--port", "0", "--config", "stub.toml", "--database-url", "sqlite:///stub.db"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "client", ROOT / "server")))}
    command = [sys.executable, "-m", "server_stub", *options]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with httpx.Client(base_url=process.stdout.readline().rstrip("\n")) as client:
            answers = [client.get(path).status_code for path in ("/", "/stub.toml", "/stub.db")]
        process.terminate()
    assert (tmp_path / "stub.db").exists()
    assert answers == [200, 404, 404]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Demo users: ada / lovelace, alan / turing. Sign in at http://127.0.0.1:3000/api/auth/signin"),
        ([], "Mails appear at http://127.0.0.1:3000/dev/inbox"),
        (["--no-email"], "Stop with Ctrl+C."),
        (["--smtp", "smtp://user:hunter2@mail.example.com:25"], "Mails are sent by mail.example.com."),
        (["--reload"], "Pages are reloaded when they change."),
        (["--reload", "--config", "stub.toml"], "Pages and stub.toml are reloaded when they change."),
        (["--dev-controls"], "Development controls: http://127.0.0.1:3000/dev"),
        (["--session", "database"], "Passwords do not work with --session database: use an email link or a provider."),
        (
            ["--proxy", "http://localhost:5000"],
            "Passing on to http://localhost:5000, with NextAuth.js v4 endpoints at /api/auth.",
        ),
    ],
)
def test_the_first_thing_said_is_the_url_then_what_there_is(arguments: list[str], told: str) -> None:
    options = parse_options(build_parser(), arguments)
    links = MagicLinks(options.smtp) if options.email else None
    said = announcement(options, "http://127.0.0.1:3000", links)
    assert said[0] == "http://127.0.0.1:3000"
    assert told in said
    assert "hunter2" not in "".join(said)
    assert any(line.startswith("Mails") for line in said) == (links is not None)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [([], "Mails appear at {url}/dev/inbox"), (["--reload"], "Pages are reloaded when they change.")],
)
def test_it_says_at_its_start_what_the_options_do(tmp_path: Path, arguments: list[str], told: str) -> None:
    command = [sys.executable, "-m", "server_stub", str(tmp_path), "--port", "0", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = list(iter(lambda: process.stdout.readline().rstrip("\n"), "Stop with Ctrl+C."))  # type: ignore[union-attr]
        process.terminate()
    assert told.format(url=said[0]) in said


def test_a_busy_port_is_explained_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main([str(tmp_path), "--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"Port {port} is already in use; choose another with --port (0 takes any free one), or make demo PORT=8000.\n"
    )


def test_answers_are_not_held_back_by_nagles_algorithm() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # what asyncio looks at


def test_an_unknown_host_is_explained_in_a_sentence_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--host", "nosuch.invalid", "--secret", SECRET]) == 1
    assert "nosuch.invalid is not known" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--session", "database", "--no-dev-idp", "--no-email"], "passwords do not work"),
        (["--session", "file"], "invalid choice"),
        (["--url", "app", "--secret", SECRET], "is not an origin"),
        (["--base-path", "auth"], "must look like /api/auth"),
        (["--port", "http"], "is not a port number"),
        (["--port", "70000"], "is not a port number"),
        (["--session-max-age", "0"], "is not a number of seconds"),
        (["--session-max-age", "nan"], "is not a number of seconds"),
        (["no-such-folder"], "the folder no-such-folder does not exist"),
        (["--dialect", "v6"], "invalid choice"),
        (["--config", "no-such-file.toml"], "no-such-file.toml: No such file"),
    ],
)
def test_a_bad_option_is_explained(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reason in refusal(arguments, capsys, monkeypatch)


@pytest.mark.parametrize("opening", [["--host", "0.0.0.0"], ["--url", "https://app.example.com"], ["--trust-proxy"]])
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "forge sessions made with the default secret; set one with --secret or NEXTAUTH_SECRET"),
        (["--secret", "x"], "guess the secret; set one such as python3 -c"),
        (["--secret", "x" * 64], "guess the secret"),
        (["--secret", "0123456789abcdef0123456789abcde"], "guess the secret"),
        (["--secret", SECRET, "--email"], "read everybody's mail at /dev/inbox; use --smtp"),
        (["--secret", SECRET, "--dev-controls"], "control it; leave --dev-controls out"),
        (["--secret", SECRET, "--dev-idp"], "sign in as anybody at /dev/idp; leave --dev-idp out"),
    ],
)
def test_what_is_for_this_machine_is_refused_where_others_may_reach_it(
    opening: list[str],
    arguments: list[str],
    reason: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = refusal([*opening, *arguments], capsys, monkeypatch)
    assert f"with {' '.join(opening) if '--host' in opening else opening[0]} others may reach" in said
    assert reason in said


@pytest.mark.parametrize("secret", [SECRET, "0123456789abcdef0123456789abcdef", "correct horse battery staple now"])
def test_a_secret_that_nobody_can_guess_is_taken(secret: str) -> None:
    parser = build_parser()
    check(parser, parse_options(parser, ["--host", "0.0.0.0", "--secret", secret]))


def test_this_machine_alone_may_have_any_secret() -> None:
    parser = build_parser()
    check(parser, parse_options(parser, ["--secret", "x"]))


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said to arguments that it does not start with."""
    monkeypatch.delenv("NEXTAUTH_SECRET", raising=False)
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "option", "expected"),
    [
        ("STUB_PORT", "4321", "port", 4321),
        ("STUB_HOST", "localhost", "host", "localhost"),
        ("STUB_BASE_PATH", "/auth", "base_path", "/auth"),
        ("STUB_DIALECT", "v5", "dialect", "v5"),
        ("STUB_CONFIG", "users.toml", "config", Path("users.toml")),
        ("STUB_RELOAD", "1", "reload", True),
        ("STUB_SESSION_MAX_AGE", "60", "session_max_age", 60.0),
        ("STUB_SESSION", "database", "session", "database"),
        ("STUB_SESSION_UPDATE_AGE", "60", "session_update_age", 60.0),
        ("STUB_DATABASE_URL", "sqlite:///x.db", "database_url", "sqlite:///x.db"),
        ("STUB_SECRET", "private", "secret", "private"),
        ("NEXTAUTH_SECRET", "shared", "secret", "shared"),
        ("STUB_URL", "https://app.example.com", "url", "https://app.example.com"),
        ("STUB_TRUST_PROXY", "true", "trust_proxy", True),
        ("STUB_TRUST_PROXY", "0", "trust_proxy", False),
        ("STUB_EMAIL", "1", "email", True),
        ("STUB_EMAIL", "0", "email", False),
        ("STUB_SMTP", "smtp://mail:25", "smtp", "smtp://mail:25"),
        ("STUB_MAIL_FROM", "a@example.com", "mail_from", "a@example.com"),
        ("STUB_DEV_CONTROLS", "1", "dev_controls", True),
        ("STUB_DEV_IDP", "1", "dev_idp", True),
        ("STUB_DEV_IDP", "0", "dev_idp", False),
    ],
)
def test_each_option_can_be_an_environment_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, option: str, expected: object
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(build_parser().parse_args([]), option) == expected


def test_every_option_has_its_variable_and_an_argument_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUB_PORT", "4321")
    assert build_parser().parse_args(["--port", "1234"]).port == 1234
    flags = {action.option_strings[0] for action in build_parser()._actions if action.option_strings}
    readme = (ROOT / "server_stub" / "README.md").read_text()
    assert [flag for flag in flags - {"-h"} if variable(flag) not in readme] == []


@pytest.mark.parametrize(
    ("arguments", "dev_idp", "email"),
    [
        ([], True, True),
        (["--host", "localhost"], True, True),
        (["--no-dev-idp"], False, True),
        (["--no-email"], True, False),
        (["--host", "0.0.0.0"], False, False),
        (["--url", "https://app.example.com"], False, False),
        (["--trust-proxy"], False, False),
        (["--trust-proxy", "--smtp", "smtp://localhost"], False, True),
    ],
)
def test_everybody_may_be_anybody_on_this_machine_alone(arguments: list[str], dev_idp: bool, email: bool) -> None:
    options = parse_options(build_parser(), arguments)
    assert (options.dev_idp, options.email) == (dev_idp, email)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("STUB_PORT", "http", "http is not a port number"),
        ("STUB_RELOAD", "perhaps", "STUB_RELOAD must be 1 or 0"),
        ("STUB_DIALECT", "v6", "'v6' is not a dialect"),
    ],
)
def test_a_bad_environment_variable_is_explained(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    reason: str,
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        main([])
    assert reason in capsys.readouterr().err
