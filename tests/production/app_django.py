"""Django with its own users, the bridge and a guarded view, as it is set behind a proxy that ends https."""

import os
from typing import Any

import django
import uvicorn
from django.conf import settings
from nextauth_server import AuthBridge, login_required

from tests.production.accounts import HOSTS, PEOPLE, SECRET, port

settings.configure(
    ALLOWED_HOSTS=HOSTS,
    CSRF_COOKIE_SECURE=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    LOGIN_URL="/accounts/login/",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=SECRET,
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    SESSION_COOKIE_SECURE=True,
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402


@login_required
def account(request: Any) -> JsonResponse:
    return JsonResponse({"name": request.nextauth_session.user.name})


def address(request: Any) -> JsonResponse:
    return JsonResponse({"address": request.META["HTTP_X_FORWARDED_FOR"]})


def describe(user: Any) -> dict[str, Any]:
    return {"name": PEOPLE[user.username][1], "email": user.email}


urlpatterns = [
    path("api/auth/", include(AuthBridge.django(describe_user=describe).urls)),
    path("api/account", account),
    path("api/address", address),
]

if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    for username, (password, _, address) in PEOPLE.items():
        if not get_user_model().objects.filter(username=username).exists():
            get_user_model().objects.create_user(username, address, password)
    # Of what the proxy says Django reads what it is told to, and uvicorn nothing.
    uvicorn.run(ASGIHandler(), port=port(), proxy_headers=False, log_level="warning")
