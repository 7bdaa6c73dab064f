"""As those of `django-admin startproject`, without what a page and its users do not need."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
DATA = BASE_DIR / "data"
DATA.mkdir(mode=0o700, exist_ok=True)

# Who knows it can sign in as anybody. It is made once, so that sessions outlive a restart.
SECRET_FILE = DATA / "secret.txt"
if SECRET_FILE.exists() and not SECRET_FILE.read_text():
    SECRET_FILE.unlink()
if not SECRET_FILE.exists():
    own = DATA / secrets.token_hex(8)
    own.touch(mode=0o600)
    own.write_text(secrets.token_urlsafe(48))
    with suppress(FileExistsError):  # of processes that start together, the first one's counts
        os.link(own, SECRET_FILE)
    own.unlink()
SECRET_KEY = SECRET_FILE.read_text()

# Where others reach it, by https: DEBUG = False, and ALLOWED_HOSTS, SESSION_COOKIE_SECURE and CSRF_COOKIE_SECURE.
DEBUG = True
ALLOWED_HOSTS = []

INSTALLED_APPS = [
    "mysite",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "mysite.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA / "users.db"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/"
STATIC_URL = "static/"  # without one, Django's live server for tests answers nothing
TIME_ZONE = "UTC"
USE_TZ = True
