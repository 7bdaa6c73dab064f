"""``python -m server_stub``."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from .auth import DEVELOPMENT_SECRET, GOOD_SECRET, ONE_DAY, SESSIONS, THIRTY_DAYS, is_guessable
from .config import read_config
from .database import IN_MEMORY, Database, DatabaseError
from .dev_controls import State
from .dialects import DIALECTS
from .emails import MagicLinks
from .identity_provider import PATH as IDP_PATH
from .inbox import PATH as INBOX_PATH
from .origin import is_loopback
from .reload import ReloadingApp
from .server import CannotListen, Server, listen, local_url
from .site import create_app
from .users import DEMO_PASSWORDS


def main(arguments: Sequence[str] | None = None) -> int:
    parser = build_parser()
    options = parse_options(parser, arguments)
    check(parser, options)

    try:
        # Made once, so that they survive a reload.
        links = MagicLinks(options.smtp, options.mail_from) if options.email else None
        database = Database(options.database_url)
        database.create_tables()
        controls = State() if options.dev_controls else False
    except (ValueError, DatabaseError) as problem:
        parser.error(str(problem))

    def build() -> ASGIApp:
        config = read_config(options.config)
        return create_app(
            options.directory,
            base_path=options.base_path,
            dialect=options.dialect,
            users=config.users,
            providers=config.providers,
            dev_idp=options.dev_idp,
            secret=options.secret,
            session=options.session,
            session_max_age=options.session_max_age,
            session_update_age=options.session_update_age,
            url=options.url,
            trust_proxy=options.trust_proxy,
            magic_links=links,
            database=database,
            dev_controls=controls,
            private=[options.config] if options.config else [],
            proxy=options.proxy,
        )

    try:
        app = ReloadingApp(build, options.config) if options.reload and options.config else build()
    except ValueError as problem:
        parser.error(str(problem))
    try:
        listener = listen(options.host, options.port)
    except CannotListen as problem:
        print(problem, file=sys.stderr)
        return 1

    # Both signals end the program in the same way; uvicorn raises them again when it has stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        # One write, the bare URL first: a parent process reads that line.
        said = "\n".join(announcement(options, local_url(listener), links))
        Server(app, on_start=lambda: print(said, flush=True)).run(sockets=[listener])
    return 0


def announcement(options: argparse.Namespace, url: str, links: MagicLinks | None) -> list[str]:
    """What a person has to know of a server that has started, the URL first."""
    title = DIALECTS[options.dialect].title
    served = f"Passing on to {options.proxy}" if options.proxy else f"Serving {options.directory.resolve()}"
    who = f"Users: see {options.config}." if options.config else f"Demo users: {DEMO_PASSWORDS}."
    said = [
        url,
        f"{served}, with {title} endpoints at {options.base_path}.",
        f"{who} Sign in at {options.url or url}{options.base_path}/signin",
    ]
    if links is not None:
        said.append(f"Mails are sent by {links.smtp.host}." if links.smtp else f"Mails appear at {url}{INBOX_PATH}")
    if options.session == "database":
        said.append("Passwords do not work with --session database: use an email link or a provider.")
    if options.dev_idp:
        said.append(f"Anybody else: sign in at {IDP_PATH}, without a password.")
    if options.dev_controls:
        said.append(f"Development controls: {url}/dev")
    if options.reload:
        read_again = f"Pages and {options.config} are" if options.config else "Pages are"
        said.append(f"{read_again} reloaded when they change.")
    return [*said, "Stop with Ctrl+C."]


def parse_options(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser.parse_args(arguments)
    if options.dev_idp is None:
        options.dev_idp = is_private(options)
    if options.email is None:
        options.email = options.smtp is not None or is_private(options)
    return options


def is_private(options: argparse.Namespace) -> bool:
    """Whether nobody but the people at this machine can ask the server anything."""
    return not openings(options)


def openings(options: argparse.Namespace) -> list[str]:
    """The options by which others may reach the server, directly or through a proxy."""
    return [
        *([] if is_loopback(options.host) else [f"--host {options.host}"]),
        *(["--url"] if options.url is not None else []),
        *(["--trust-proxy"] if options.trust_proxy else []),
    ]


def check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse what would let strangers in, or would do nothing."""
    if options.session == "database" and not (options.dev_idp or options.email or options.config):
        parser.error("passwords do not work with --session database; use --email, --dev-idp or a provider of --config")
    if is_private(options):
        return
    others = f"with {' and '.join(openings(options))} others may reach this server"
    if options.secret == DEVELOPMENT_SECRET:
        parser.error(
            f"{others}, and forge sessions made with the default secret; set one with --secret or NEXTAUTH_SECRET"
        )
    if is_guessable(options.secret):
        parser.error(f"{others}, and guess the secret; set one such as {GOOD_SECRET} prints")
    if options.dev_idp:
        parser.error(f"{others}, and sign in as anybody at {IDP_PATH}; leave --dev-idp out")
    if options.email and not options.smtp:
        parser.error(f"{others}, and read everybody's mail at {INBOX_PATH}; use --smtp")
    if options.dev_controls:
        parser.error(f"{others}, and control it; leave --dev-controls out")


class Options:
    """Options that can also be set as environment variables: ``--session-max-age`` as STUB_SESSION_MAX_AGE."""

    def __init__(self, parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
        self.parser = parser
        self.environment = environment

    def value(self, flag: str, *, default: object = None, **settings: Any) -> None:
        # argparse checks a default that is text like an argument.
        text = self.environment.get(variable(flag))
        self.parser.add_argument(flag, default=text or default, **settings)

    def switch(self, flag: str, **settings: Any) -> None:
        text = self.environment.get(variable(flag), "").lower()
        if text not in ("", "0", "1", "false", "true"):
            self.parser.error(f"{variable(flag)} must be 1 or 0, not {text!r}")
        on = text in ("1", "true")
        if "action" in settings:  # it can be switched off as well: None says nothing
            self.parser.add_argument(flag, default=on if text else None, **settings)
        else:
            self.parser.add_argument(flag, action="store_true", default=on, **settings)


def variable(flag: str) -> str:
    return "STUB_" + flag.removeprefix("--").replace("-", "_").upper()


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m server_stub",
        description="Serve a folder of pages with a development backend that speaks NextAuth.js v3, v4 or Auth.js v5.",
        epilog=f"Each option can be set as an environment variable too: --session-max-age as STUB_SESSION_MAX_AGE. "
        f"Demo users: {DEMO_PASSWORDS}. For development only: do not put it on the internet.",
    )
    parser.add_argument(
        "directory", nargs="?", default=Path("."), type=_folder, help="folder to serve (default: this one)"
    )
    options = Options(parser, os.environ)
    value, switch = options.value, options.switch
    value("--port", type=_port, default=3000, help="port to listen on, 0 for any free one (default: 3000)")
    value(
        "--proxy",
        metavar="URL",
        help="an app of your own to show behind this port, such as http://localhost:5000, instead of the folder",
    )
    value("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    value("--base-path", metavar="PATH", default="/api/auth", help="where the endpoints are (default: /api/auth)")
    value("--dialect", choices=DIALECTS, default="v4", help="which generation's protocol (default: v4)")
    value(
        "--config", metavar="FILE", type=Path, help="TOML file with the users, instead of the demo ones, and providers"
    )
    switch("--reload", help="reload the file of --config when it changes; changed pages need no reload")
    value(
        "--session-max-age",
        metavar="SECONDS",
        type=_seconds,
        default=THIRTY_DAYS,
        help="how long a session lasts without a request (default: 30 days)",
    )
    value(
        "--session",
        choices=SESSIONS,
        default="jwt",
        help="where sessions are kept: in cookies, or in the database, with which passwords do not work (default: jwt)",
    )
    value(
        "--session-update-age",
        metavar="SECONDS",
        type=_seconds,
        default=ONE_DAY,
        help="how old a session in the database gets before its lifetime is renewed (default: a day)",
    )
    value(
        "--database-url",
        metavar="URL",
        default=IN_MEMORY,
        help="where users, accounts, sessions and links are kept, such as sqlite:///stub.db or "
        "postgresql://user:password@host/name (default: in memory)",
    )
    value(
        "--secret",
        default=os.environ.get("NEXTAUTH_SECRET") or DEVELOPMENT_SECRET,
        help="key for the session and CSRF cookies (default: NEXTAUTH_SECRET, else a published one)",
    )
    value("--url", help="the public origin behind a proxy, such as https://app.example.com")
    switch("--trust-proxy", help="believe X-Forwarded-Proto and X-Forwarded-Host")
    switch(
        "--email",
        action=argparse.BooleanOptionalAction,
        help=f"sign-in by e-mail; the mails are at {INBOX_PATH} (default: where only this machine can reach it)",
    )
    value(
        "--smtp", metavar="URL", help="send them by this server, such as smtp://localhost:25 or smtps://user:pass@host"
    )
    value("--mail-from", metavar="ADDRESS", default="noreply@localhost", help="who they come from")
    switch(
        "--dev-idp",
        action=argparse.BooleanOptionalAction,
        help=f"sign-in at {IDP_PATH} as anybody, without a password (default: where only this machine can reach it)",
    )
    switch("--dev-controls", help="faults, delays and a request log under /dev, for tests")
    return parser


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"the folder {text} does not exist")
    return path


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port number from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return seconds
