"""Node programs of `tests/backends/node` and `next`: real backends to sign in to, an identity provider, a mailbox.

Python's own, apps with a bridge, are in `tests/backends/python`.
"""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import httpx

from scripts.backends import BACKENDS, MODULES
from scripts.next_sites import NEXT
from scripts.node import find_node
from scripts.steps import ROOT
from tests.support import PATIENCE
from tests.support.backend import Person

BRIDGE = "bridge-"
# Gone after a sign-out; Flask's stays, with nobody in it.
SESSION_COOKIES = {"bridge-django": "sessionid", "bridge-flask": None, "bridge-starlette": "session"}


# What of tests/backends does not apply to a bridge, by module or by test, and why. docs/login.md has it as a table.
NO_MAIL = "it sends no mail"
NOT_FOR_BRIDGES = {
    "test_email": NO_MAIL,
    "test_an_account_that_is_not_linked_leads_to_an_error_that_can_be_explained": NO_MAIL,
    "test_a_session_in_a_database_ends_when_it_was_to_end_at_first": NO_MAIL,
    "test_cookies": "its session is in a cookie of the framework's own",
    "test_a_providers_id_may_have_any_character": "its password is called credentials",
    "test_s17_a_backend_with_sessions_in_a_database_takes_no_password": "a bridge does, whatever keeps the sessions",
    "test_a_cookie_that_the_backend_stumbles_over_leaves_open_who_is_signed_in": "it has no such cookie",
}


class Program:
    """One of them, running. It ends when its stdin is closed, so none outlives the tests."""

    def __init__(self, name: str, **options: Any) -> None:
        command = _bridge(name, options) if is_bridge(name) else _node(name, options)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["client", "server", "."])}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = next((line for line in self._process.stdout if line.startswith("{")), None)
        assert said is not None, f"{name} did not start: its message is above"
        self.addresses: dict[str, str] = json.loads(said)
        self.process_id = self._process.pid

    def stop(self) -> None:
        self._process.communicate(timeout=PATIENCE)

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _node(name: str, options: Mapping[str, Any]) -> list[str]:
    node = find_node()
    assert node is not None and MODULES.is_dir(), "Node.js or the backends are missing: type `make test`"
    folder = NEXT if name.endswith("-next") else BACKENDS
    return [str(node.node), str(folder / f"{name}.mjs"), json.dumps(options)]


def _bridge(name: str, options: Mapping[str, Any]) -> list[str]:
    given = {**options, "framework": name.removeprefix(BRIDGE)}
    return [sys.executable, "-m", "tests.backends.python", json.dumps(given)]


def is_bridge(name: str) -> bool:
    """Whether a backend is a Python app, such as "bridge-django"."""
    return name.startswith(BRIDGE)


def version_of(name: str) -> int:
    """Of NextAuth.js or Auth.js, from a backend's name such as "v5-core" or "v4-next". Bridges speak as v4 does."""
    return 4 if is_bridge(name) else int(name[1])


class RealBackend:
    """A backend that somebody else wrote, on a host name of its own: cookies ignore ports, and v3 and v4 share names.

    Browsers resolve `*.localhost` to this machine, other programs may not: they connect to 127.0.0.1 and name the host.
    """

    users: Mapping[str, Person] = {
        "ada": Person("ada", "lovelace", "Ada Lovelace", "ada@example.com"),
        "alan": Person("alan", "turing", "Alan Turing", "alan@example.com"),
    }

    def __init__(self, name: str, program: Program) -> None:
        self.name = name
        self.version = version_of(name)
        self.url = program.addresses["url"]
        self.base = program.addresses["base"]
        self.base_path = self.base.removeprefix(self.url)
        url = httpx.URL(self.url)
        self.host = url.host
        # Where somebody without a script signs in: a bridge has no pages, and leads to the app's own.
        self.sign_in_page = f"{self.url}/accounts/login/" if is_bridge(name) else f"{self.base}/signin"
        self.error_page = self.sign_in_page if is_bridge(name) else f"{self.base}/"
        # Gone after a sign-out; Flask's stays, with nobody in it.
        self.session_cookie = {"bridge-django": "sessionid", "bridge-flask": None, "bridge-starlette": "session"}.get(
            name, "session-token"
        )
        self.providers = ["credentials", "oidc"] if is_bridge(name) else ["credentials", "email", "oidc"]
        self._address = url.copy_with(host="127.0.0.1")
        self._headers = {"Host": url.netloc.decode()}

    def __repr__(self) -> str:
        return f"RealBackend({self.name})"

    def logged(self) -> list[list[str]]:
        """What its logger was told: ["error", …]."""
        return self._list("/__logs")

    def issued(self) -> list[dict[str, str]]:
        """The OAuth tokens that it got from the identity provider, by name, for each sign-in."""
        return self._list("/__issued")

    def _list(self, path: str) -> list[Any]:
        answer = httpx.get(self._address.join(path), headers=self._headers, verify=False).raise_for_status()
        return list(answer.json())


class Mailbox:
    """Where the backends' mail arrives."""

    def __init__(self, program: Program) -> None:
        self.smtp = program.addresses["smtp"]
        self._url = program.addresses["url"]

    def link_to(self, address: str) -> str:
        """The link in the oldest mail to the address that was not asked for yet. Waits until there is one."""
        text = httpx.get(self._url, params={"to": address}, timeout=PATIENCE).raise_for_status().json()["text"]
        body = email.message_from_string(text, policy=email.policy.default).get_body(["plain"])
        assert body is not None
        found = re.search(r"https?://\S+", body.get_content())
        assert found, f"a mail to {address} without a link"
        return found[0]
