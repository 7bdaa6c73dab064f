"""The index of wheels that tests and `make release-check` install from."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import urljoin

import httpx

from scripts.local_index import serving, write_index

WHEELS = {
    "nextauth_client-0.1.0-py3-none-any.whl": b"one",
    "nextauth_client-0.2.0-py3-none-any.whl": b"two",
    "Flask.Login-0.6-py3-none-any.whl": b"three",
}


def links(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<a href="(.*?)">(.*?)</a>', page)


def test_each_wheel_is_found_by_the_name_of_its_distribution(tmp_path: Path) -> None:
    for name, content in WHEELS.items():
        (tmp_path / name).write_bytes(content)
    write_index(tmp_path)
    with serving(tmp_path) as url, httpx.Client(base_url=url) as client:
        assert links(client.get("/").text) == [("flask-login/", "flask-login"), ("nextauth-client/", "nextauth-client")]
        found = {}
        for name in ("flask-login", "nextauth-client"):
            page = client.get(f"/{name}/")
            assert page.headers["content-type"] == "text/html"
            for to, text in links(page.text):
                address, _, digest = urljoin(str(page.url), to).partition("#sha256=")
                found[text] = client.get(address).content
                assert digest == hashlib.sha256(found[text]).hexdigest()
    assert found == WHEELS


def test_pages_of_any_origin_may_read_it_and_keep_nothing(tmp_path: Path) -> None:
    """micropip runs in a page, and a rebuilt wheel has the same address."""
    (tmp_path / "a.txt").write_text("a")
    with serving(tmp_path) as url:
        headers = httpx.get(f"{url}/a.txt").headers
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cache-control"] == "no-cache"
