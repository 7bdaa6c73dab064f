"""One https origin as it is deployed: a proxy with its configuration of `examples/`, and the servers behind it.

Browsers and `Deployment.visitor` find https://example.org at the ports of the proxy.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scripts.backends import MODULES
from scripts.node import find_node
from scripts.proxies import find_proxy
from scripts.steps import ROOT
from tests.support import PATIENCE
from tests.support.ports import free_port, until_it_listens
from tests.support.real_backends import RealBackend

EXAMPLES = ROOT / "examples"
HOST = "example.org"
BESIDE = "beside"  # the Python app that signs nobody in
EXPRESS = "express"
BRIDGES = ["django", "flask", "fastapi"]
# As the configurations have it, and as a test has it that needs no rights and no certificate of others.
SITE = "/srv/example.org"
APP = "127.0.0.1:8000"
WAIT = "30s"  # for an answer
NGINX = """
%(user)s
pid %(folder)s/nginx.pid;
error_log %(folder)s/error.log;
events { }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path %(folder)s/body;
    proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    include %(folder)s/site.conf;
}
"""


class Ports(NamedTuple):
    """Of the proxy, where browsers look for those of a host: 80 and 443."""

    http: int
    https: int


class Running:
    """A program that listens at a port. It is there from the start, and gone at the end."""

    def __init__(self, command: list[str | Path], port: int, cwd: Path = ROOT, **environment: str) -> None:
        pythonpath = os.pathsep.join(str(ROOT / folder) for folder in ("client", "server", ""))
        self._process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, "PYTHONPATH": pythonpath, **environment}, stdin=subprocess.DEVNULL
        )
        try:
            until_it_listens(self._process, port)
        except TimeoutError as error:
            self.stop()
            raise AssertionError(f"{command} does not listen at {port}: its message is above") from error

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:  # a connection that is kept open is waited for
                self._process.kill()
        self._process.wait()


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that nobody else has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def filled_in(text: str, given: dict[str, str]) -> str:
    """The configuration with other ports and paths; each of them has to be there."""
    for old, new in given.items():
        assert old in text, f"the configuration has no {old!r} any more"
        text = text.replace(old, new)
    return text


def start_caddy(folder: Path, config: str, ports: Ports, cwd: Path = ROOT) -> Running:
    file = folder / "Caddyfile"
    file.write_text(config)
    caddy = find_proxy("caddy")
    assert caddy is not None, "Caddy is missing: type `make test-production`"
    own = {name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    command: list[str | Path] = [caddy, "run", "--config", file, "--adapter", "caddyfile"]
    return Running(command, ports.https, cwd, **own)


def _production_caddy(folder: Path, ports: Ports, site: Path, app: int, auth: int, wait: str = WAIT) -> Running:
    certificate, key = write_certificate(folder)
    config = filled_in(
        (EXAMPLES / "production" / "Caddyfile").read_text(),
        {
            SITE: str(site),
            f"reverse_proxy {APP} {{": f"reverse_proxy 127.0.0.1:{auth} {{",
            APP: f"127.0.0.1:{app}",
            f"response_header_timeout {WAIT}": f"response_header_timeout {wait}",
            f"\n{HOST} {{\n": f"\n{HOST} {{\n\tbind 127.0.0.1\n\ttls {certificate} {key}\n",
        },
    )
    own_ports = f"{{\n\tadmin off\n\thttp_port {ports.http}\n\thttps_port {ports.https}\n}}\n"
    return start_caddy(folder, own_ports + config, ports)


def _production_nginx(folder: Path, ports: Ports, site: Path, app: int, auth: int, wait: str = WAIT) -> Running:
    certificate, key = write_certificate(folder)
    text = (EXAMPLES / "production" / "nginx.conf").read_text()
    config = filled_in(
        "".join(line for line in text.splitlines(keepends=True) if "[::]" not in line),
        {
            SITE: str(site),
            f"upstream auth {{\n    server {APP}": f"upstream auth {{\n    server 127.0.0.1:{auth}",
            APP: f"127.0.0.1:{app}",
            f"proxy_read_timeout {WAIT}": f"proxy_read_timeout {wait}",
            "listen 80": f"listen 127.0.0.1:{ports.http}",
            "listen 443": f"listen 127.0.0.1:{ports.https}",
            "/etc/letsencrypt/live/example.org/fullchain.pem": str(certificate),
            "/etc/letsencrypt/live/example.org/privkey.pem": str(key),
        },
    )
    (folder / "site.conf").write_text(config)
    # Workers of root's would be www-data, who cannot look into the folder of a test.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX % {"folder": folder, "user": user})
    nginx = find_proxy("nginx")
    assert nginx is not None, "nginx is missing: type `make test-production`"
    command: list[str | Path] = [nginx, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    return Running([*command, "-g", "daemon off;"], ports.https)


START_PROXY = {"caddy": _production_caddy, "nginx": _production_nginx}


def start_express(site: Path, port: int, secret: str) -> Running:
    """The example as it is, with the packages that the tests' backends have."""
    here = site / "examples" / "express"
    modules = here / "node_modules"
    if not modules.is_symlink():
        modules.symlink_to(MODULES)
    node = find_node()
    assert node is not None and MODULES.is_dir(), "Node.js or the backends are missing: type `make test-production`"
    production = {"NODE_ENV": "production", "AUTH_SECRET": secret, "PORT": str(port)}
    return Running([node.node, "server.js"], port, here, **production)


class Deployment:
    """`proxy` in front of `backend`: an app with a bridge, or Auth.js and a Python app beside it.

    It is what a `Workbench` needs to know of a backend.
    """

    url = f"https://{HOST}"
    base_path = "/api/auth"
    base = url + base_path
    users = RealBackend.users

    def __init__(self, proxy: str, backend: str, folder: Path, site: Path, ports: Ports) -> None:
        self.proxy = proxy
        self.name = backend
        self.is_bridge = backend in BRIDGES
        self.ports = ports
        self._folder = folder
        self._site = site
        self._visitors: list[httpx.Client] = []
        self.auth_port = free_port()
        self.app_port = self.auth_port if self.is_bridge else free_port()
        with ExitStack() as stack:
            self.start_backend()
            stack.callback(self.stop_backend)
            if not self.is_bridge:
                stack.callback(self._python(BESIDE, self.app_port).stop)
            stack.callback(START_PROXY[proxy](folder, ports, site, self.app_port, self.auth_port).stop)
            self._stack = stack.pop_all()

    def start_backend(self) -> None:
        """What signs people in."""
        if self.is_bridge:
            self._backend = self._python(self.name, self.auth_port)
        else:
            self._backend = start_express(self._site, self.auth_port, "of a test " * 4)

    def stop_backend(self) -> None:
        self._backend.stop()

    def _python(self, app: str, port: int) -> Running:
        return Running(
            [sys.executable, "-m", f"tests.production.app_{app}", str(port)],
            port,
            SECRET_KEY="of a test",
            AUTH_SECRET="of a test " * 4,
            NEXTAUTH_URL=self.url,
            NEXTAUTH_URL_INTERNAL=f"http://127.0.0.1:{port}",
            DATABASE=str(self._folder / "db.sqlite3"),
        )

    def stop(self) -> None:
        self._stack.close()

    def logged(self) -> list[list[str]]:
        return []

    def visitor(self, address: str = "127.0.0.1", url: str = url) -> httpx.Client:
        """Somebody without a browser, who comes from another address of this machine."""
        visitor = open_visitor(self.ports, address, url)
        self._visitors.append(visitor)
        return visitor

    def forget_visitors(self) -> None:
        while self._visitors:
            self._visitors.pop().close()

    def signed_in(self, **options: str) -> httpx.Client:
        visitor = self.visitor(**options)
        token = visitor.get(f"{self.base_path}/csrf").json()["csrfToken"]
        form = {"username": "ada", "password": "lovelace", "csrfToken": token, "json": "true"}
        visitor.post(f"{self.base_path}/callback/credentials", data=form, headers={"Origin": self.url})
        assert visitor.get(f"{self.base_path}/session").json()["user"]["name"] == "Ada Lovelace"
        return visitor


def open_visitor(ports: Ports, address: str = "127.0.0.1", url: str = Deployment.url) -> httpx.Client:
    return httpx.Client(base_url=url, transport=_ToThisMachine(ports, address), timeout=PATIENCE)


class _ToThisMachine(httpx.HTTPTransport):
    """Whatever host an address names, it is the proxy's."""

    def __init__(self, ports: Ports, address: str) -> None:
        super().__init__(verify=False, local_address=address)
        self._ports = ports

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        port = self._ports.https if request.url.scheme == "https" else self._ports.http
        return super().handle_request(
            httpx.Request(
                request.method,
                request.url.copy_with(host="127.0.0.1", port=port),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": HOST},
            )
        )
