"""What the apps here share: who can sign in, and how they are told where they are."""

import os
import sys

PEOPLE = {
    "ada": ("lovelace", "Ada Lovelace", "ada@example.com"),
    "alan": ("turing", "Alan Turing", "alan@example.com"),
}
HOSTS = ["example.org", "127.0.0.1"]  # as browsers name it, and as its guards do, who ask the app itself
SECRET = os.environ["SECRET_KEY"]


def port() -> int:
    return int(sys.argv[1])
