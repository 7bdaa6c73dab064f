"""A backend to sign in to, and what tests may ask of it.

`StubBackend` has it all. A real backend behind such controls fits in its place: pages know `url` and `base` alone.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import httpx
from nextauth_client.testing import signed_in
from playwright.sync_api import BrowserContext

from scripts.steps import ROOT
from tests.support import PATIENCE


class Person(NamedTuple):
    """Somebody who can sign in."""

    username: str
    password: str
    name: str
    email: str


class Backend(Protocol):
    """Where the pages and the auth endpoints are, and controls that `reset` takes back.

    `endpoint` is the first word after the base path: "session", "csrf", "providers", "signin", "callback", "signout".
    """

    url: str
    base: str
    users: Mapping[str, Person]

    def fault(self, endpoint: str, kind: str, times: int | None = None) -> None:
        """Answer with a fault, so many times or until `heal`; the kinds are in `server_stub/dev_controls.py`."""

    def heal(self, endpoint: str) -> None:
        """End the fault."""

    def latency(self, endpoint: str, seconds: float, when: str = "before") -> None:
        """Delay an endpoint: before the request is handled, or "after" its answer is made."""

    def session_length(self, seconds: float) -> None:
        """The lifetime of the sessions written from now on."""

    def revoke(self) -> None:
        """End every session that there is."""

    def rename(self, name: str) -> None:
        """What sessions call their user from now on."""

    def log(self) -> list[dict[str, Any]]:
        """All requests since `reset`: time, method, path, tab, status, completed."""

    def reset(self) -> None:
        """As it was when it started."""

    def sign_in(self, context: BrowserContext, username: str = "ada") -> None:
        """Sign a browser in without a page."""


class StubBackend:
    """`python -m server_stub --dev-controls FOLDER` on a free port."""

    users: Mapping[str, Person] = {
        "ada": Person("ada", "lovelace", "Ada Lovelace", "ada@example.com"),
        "alan": Person("alan", "turing", "Alan Turing", "alan@example.com"),
    }

    def __init__(self, folder: Path) -> None:
        command: list[str | Path] = [sys.executable, "-m", "server_stub", "--dev-controls", "--port", "0", folder]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url.startswith("http"), "server_stub did not start: its message is above"
        self.base = self.url + "/api/auth"
        self._dev = httpx.Client(base_url=self.url + "/dev")

    def stop(self) -> None:
        self._dev.close()
        self._process.terminate()
        self._process.communicate(timeout=PATIENCE)

    def _control(self, command: str, /, **fields: Any) -> None:
        self._dev.post(command, json=fields).raise_for_status()

    def fault(self, endpoint: str, kind: str, times: int | None = None) -> None:
        self._control("fault", path=endpoint, kind=kind, times=times)

    def heal(self, endpoint: str) -> None:
        self._control("fault", path=endpoint, kind=None)

    def latency(self, endpoint: str, seconds: float, when: str = "before") -> None:
        self._control("latency", path=endpoint, seconds=seconds, when=when)

    def session_length(self, seconds: float) -> None:
        self._control("session-length", seconds=seconds)

    def revoke(self) -> None:
        self._control("revoke")

    def rename(self, name: str) -> None:
        self._control("user", name=name)

    def log(self) -> list[dict[str, Any]]:
        entries = self._dev.get("log").raise_for_status().json()
        assert isinstance(entries, list)
        return entries

    def reset(self) -> None:
        self._control("reset")

    def sign_in(self, context: BrowserContext, username: str = "ada") -> None:
        person = self.users[username]
        signed_in(context, person.username, person.password, url=self.url)
