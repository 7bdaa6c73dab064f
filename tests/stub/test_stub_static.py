"""The folder of pages: content types that Python in the browser needs, nothing stale, nothing private."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server_stub import Database, create_app
from tests.stub.strangers import SECRET


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.wasm", "application/wasm"),
        ("a-1.0-py3-none-any.whl", "application/zip"),
        ("a.zip", "application/zip"),
        ("a.py", "text/x-python; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.toml", "application/toml"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
        ("A.HTML", "text/html; charset=utf-8"),
    ],
)
def test_files_have_the_right_content_type(client: Any, tmp_path: Path, name: str, content_type: str) -> None:
    (tmp_path / name).write_text("content")
    response = client.get(f"/{name}")
    assert (response.text, response.headers["content-type"]) == ("content", content_type)


def test_a_folder_shows_its_index(client: Any, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("home")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.html").write_text("docs")
    assert client.get("/").text == "home"
    assert client.get("/docs/").text == "docs"
    assert client.get("/docs").headers["location"] == "http://127.0.0.1:4400/docs/"


def test_an_unchanged_file_is_not_sent_again_and_a_rebuilt_one_is(client: Any, tmp_path: Path) -> None:
    wheel = tmp_path / "a.whl"
    wheel.write_text("old")
    first = client.get("/a.whl")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/a.whl", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")
    wheel.write_text("new")
    os.utime(wheel, (1, 1))
    rebuilt = client.get("/a.whl", headers={"If-None-Match": first.headers["etag"]})
    assert rebuilt.text == "new"


@pytest.mark.parametrize(
    "path",
    [
        *("/.env", "/sub/.env", "/%2eenv", "/sub/../.env", "/sub/%2e%2e/.env", "/.git/config"),
        *("/alias", "/alias/", "/alias/config", "/link.txt", "/folder/", "/folder/outside.txt"),
        *("/../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "//etc/passwd", "/%2fetc/passwd"),
        *("/a%00b", "/nothing", "/" + "x" * 300),
    ],
)
def test_private_and_foreign_files_are_as_if_they_were_missing(
    connect: Callable[..., Any], tmp_path: Path, path: str
) -> None:
    site = tmp_path / "site"
    (site / ".git").mkdir(parents=True)
    (site / "sub").mkdir()
    (tmp_path / "outside.txt").write_text("private")
    for private in (site / ".env", site / "sub" / ".env", site / ".git" / "config", site / ".git/index.html"):
        private.write_text("private")
    (site / "alias").symlink_to(site / ".git")
    (site / "link.txt").symlink_to(tmp_path / "outside.txt")
    (site / "folder").symlink_to(tmp_path)
    (site / "index.html").write_text("home")
    response = connect(create_app(site)).get(path)
    assert response.status_code == 404


@pytest.mark.parametrize("url", ["sqlite:///{}", "sqlite:///file:{}?uri=true"])
def test_the_configuration_and_the_database_are_as_if_they_were_missing(
    connect: Callable[..., Any], tmp_path: Path, url: str
) -> None:
    config, data = tmp_path / "stub.toml", tmp_path / "stub.db"
    config.write_text("private")
    (tmp_path / "copy.toml").hardlink_to(config)
    (tmp_path / "link.toml").symlink_to(config)
    (tmp_path / "pyproject.toml").write_text("shown")
    database = Database(url.format(data))
    database.create_tables()
    client = connect(create_app(tmp_path, database=database, private=[config]))
    for suffix in ("-journal", "-wal", "-shm"):  # they come and go
        (tmp_path / f"stub.db{suffix}").write_text("private")
    names = ("stub.toml", "copy.toml", "link.toml", "stub.db", "stub.db-journal", "stub.db-wal", "stub.db-shm")
    assert [client.get(f"/{name}").status_code for name in names] == [404] * len(names)
    assert client.get("/pyproject.toml").text == "shown"


def test_another_site_that_takes_its_name_to_this_machine_reads_nothing(
    connect: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("content")
    client = connect(create_app(tmp_path))
    assert client.get("/a.txt", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/a.txt", headers={"Host": "stub.localhost"}).text == "content"
    public = connect(create_app(tmp_path, url="https://app.example.com", secret=SECRET))
    assert public.get("/a.txt").text == "content"


def test_a_site_may_itself_lie_below_a_dot_folder(connect: Callable[..., Any], tmp_path: Path) -> None:
    site = tmp_path / ".cache" / "site"
    site.mkdir(parents=True)
    (site / "a.txt").write_text("shown")
    assert connect(create_app(site)).get("/a.txt").text == "shown"


def test_files_can_only_be_read(client: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("content")
    assert client.post("/a.txt").status_code == 405


@pytest.mark.parametrize("base_path", ["", "/", "api", "/api/", "//api", "/a b", "/..", "/dev", "/dev/auth"])
def test_a_base_path_must_be_a_path_of_its_own(tmp_path: Path, base_path: str) -> None:
    with pytest.raises(ValueError, match="base path"):
        create_app(tmp_path, base_path=base_path)
