"""A WebKit that answers no more costs the test that met it, and no other."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from selenium.webdriver.webkitgtk.options import Options

from tests.support.webkit import BrowserLost, Driver

ANSWERS = {"/session": {"sessionId": "1", "capabilities": {}}, "/session/1/url": "http://there/"}


class WebDriver(BaseHTTPRequestHandler):
    """Answers what is in `ANSWERS`, nothing else ever."""

    hangs = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def do_GET(self) -> None:
        if self.path not in ANSWERS:
            self.hangs.wait()
            return
        answer = json.dumps({"value": ANSWERS[self.path]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Service:
    """What runs it; its process has a child, and neither wants to end."""

    STUBBORN = "from signal import *; signal(SIGTERM, SIG_IGN); print('ready', flush=True); pause()"

    def __init__(self, url: str) -> None:
        self.service_url = url

    def start(self) -> None:
        child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {self.STUBBORN!r}]); {self.STUBBORN}"
        command = [sys.executable, "-c", child]
        self.process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        for _ in range(2):
            self.process.stdout.readline()

    def stop(self) -> None:
        raise AssertionError("it waits for a minute")


@pytest.fixture
def service() -> Iterator[Service]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), WebDriver)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    WebDriver.hangs.clear()
    service = Service(f"http://127.0.0.1:{server.server_port}")
    yield service
    assert service.process.stdout is not None
    service.process.stdout.close()
    WebDriver.hangs.set()
    server.shutdown()
    server.server_close()


def test_a_command_without_an_answer_says_that_the_browser_is_lost_and_so_does_each_that_follows(
    service: Service,
) -> None:
    driver = Driver(service, Options(), 0.2)  # type: ignore[arg-type]
    try:
        assert driver.current_url == "http://there/"
        with pytest.raises(BrowserLost, match="getTitle"):
            _ = driver.title
        assert driver.is_lost
        with pytest.raises(BrowserLost, match="not answered before"):
            _ = driver.current_url
    finally:
        driver.end()


def test_the_end_of_a_lost_browser_ends_all_of_its_processes(service: Service) -> None:
    driver = Driver(service, Options(), 0.2)  # type: ignore[arg-type]
    driver.end()
    assert service.process.returncode == -9
    assert service.process.stdout is not None
    assert service.process.stdout.read() == b""  # which the child had open, too
