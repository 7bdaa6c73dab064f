"""A development backend that speaks NextAuth.js v3 and v4 and Auth.js v5: never meant to face the internet."""

from .auth import AuthApp
from .database import Database
from .emails import MagicLinks
from .errors import CredentialsSignin
from .identity_provider import DevIdentityProvider
from .inbox import Inbox
from .oidc import OIDCProvider
from .site import create_app
from .users import DEMO_USERS, User, hash_password

__all__ = [
    "DEMO_USERS",
    "AuthApp",
    "CredentialsSignin",
    "Database",
    "DevIdentityProvider",
    "Inbox",
    "MagicLinks",
    "OIDCProvider",
    "User",
    "create_app",
    "hash_password",
]
