"""The tests of docs/testing.md for apps with a login of their own pass, as they stand there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.documents import code_of, files_of, pytest_passes, write

CONFTEST = """
import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    ROOT_URLCONF="orders",
    SECRET_KEY="not one",
)
django.setup()
django.core.management.call_command("migrate", verbosity=0)
"""


@pytest.mark.parametrize(
    ("framework", "app", "tests"),
    [("Flask", "Flask", 3), ("FastAPI", "FastAPI and Starlette", 2), ("Django", "Django", 2)],
)
def test_an_app_is_tested_with_its_frameworks_own_client(framework: str, app: str, tests: int, tmp_path: Path) -> None:
    files = files_of("testing.md", framework)
    write({**files, "app.py": code_of("login.md", app)}, tmp_path)
    if framework == "Django":
        (tmp_path / "conftest.py").write_text(CONFTEST)
    assert pytest_passes(tmp_path) == tests
