"""Django with its own users and sessions in a database, and the bridge."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from nextauth_server import AuthBridge, SignInRefused

from tests.backends.python.site import ADDITIONS, OIDC, OPTIONS, PAGE, PEOPLE, SIGN_IN_PAGE, may_come, serve

FOLDER = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, FOLDER)
settings.configure(
    ALLOWED_HOSTS=[".localhost", "127.0.0.1"],
    AUTHENTICATION_BACKENDS=[f"{__name__}.Echo", "django.contrib.auth.backends.ModelBackend"],
    CSRF_COOKIE_HTTPONLY=True,  # no page here reads it
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "db", "OPTIONS": {"timeout": 60}}},
    ACCOUNT_EMAIL_VERIFICATION="none",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "allauth",
        "allauth.account",
        "allauth.socialaccount",
        "allauth.socialaccount.providers.openid_connect",
    ],
    LOGIN_URL=SIGN_IN_PAGE,
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",
    SESSION_COOKIE_AGE=OPTIONS["maxAge"],
    SESSION_SAVE_EVERY_REQUEST=OPTIONS["strategy"] == "jwt",
    SOCIALACCOUNT_ADAPTER=f"{__name__}.Doorkeeper",
    SOCIALACCOUNT_ONLY=True,
    SOCIALACCOUNT_PROVIDERS={
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "oidc",
                    "name": "Identity provider",
                    "client_id": OIDC["client_id"],
                    "secret": OIDC["client_secret"],
                    "settings": {"server_url": OPTIONS["issuer"], "token_auth_method": "client_secret_post"},
                }
            ],
            "OAUTH_PKCE_ENABLED": True,
        }
    },
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.backends import ModelBackend  # noqa: E402
from django.contrib.auth.signals import user_logged_in  # noqa: E402
from django.contrib.auth.views import LoginView  # noqa: E402
from django.core.exceptions import PermissionDenied  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.middleware.csrf import get_token  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils.html import escape  # noqa: E402
from nextauth_server.allauth import SocialAccountAdapter  # noqa: E402


class Echo(ModelBackend):
    """Lets anybody in under the name that was typed, which shows what has arrived."""

    def authenticate(self, request: Any, username: str = "", password: str = "", **_: Any) -> Any:
        if username == "throw":
            raise SignInRefused("Custom failure")
        if username == "mallory":
            raise SignInRefused("AccessDenied")
        if password != "echo":
            return None
        return get_user_model().objects.get_or_create(username=username, email="echo@example.com")[0]


class Doorkeeper(SocialAccountAdapter):
    def pre_social_login(self, request: Any, sociallogin: Any) -> None:
        token = sociallogin.token
        issued = {"access_token": token.token, "refresh_token": token.token_secret}
        if not may_come(sociallogin.account.extra_data["userinfo"], issued):
            raise PermissionDenied


class SignInPage(LoginView):
    def render_to_response(self, context: Any, **_: Any) -> HttpResponse:
        token = f'<input type="hidden" name="csrfmiddlewaretoken" value="{get_token(self.request)}">'
        return HttpResponse(PAGE % (escape(self.request.GET.get("error", "")), token))


def describe(user: Any) -> dict[str, Any]:
    image = PEOPLE.get(user.username, ("", "", "", None))[3]
    return {"name": user.get_full_name() or user.username, "email": user.email, "image": image}


def rename(request: Any, data: Any) -> None:
    request.user.first_name = data["name"]
    request.user.save()


def give_own_name_back(user: Any, **_: Any) -> None:
    """A new session of a JWT backend knows nothing of an update of another; a provider says its name anew."""
    if not user.has_usable_password():
        return
    user.first_name = PEOPLE[user.username][1] if user.username in PEOPLE else ""
    user.save()


bridge = AuthBridge.django(
    describe_user=describe,
    session_callback=lambda session, user: {**session, **ADDITIONS},
    update=rename,
    sign_in_page=OPTIONS["pages"].get("signIn"),
    allowed_origins=[OPTIONS["allow"]] if OPTIONS["allow"] else [],
)
urlpatterns = [
    path("api/auth/", include(bridge.urls)),
    path(SIGN_IN_PAGE.lstrip("/"), SignInPage.as_view()),
    path("accounts/", include("allauth.urls")),
]

call_command("migrate", run_syncdb=True, verbosity=0)
for username, (password, _, address, _) in PEOPLE.items():
    get_user_model().objects.create_user(username, address, password)
user_logged_in.connect(give_own_name_back)


def run() -> None:
    serve(WSGIHandler())
