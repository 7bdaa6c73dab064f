import os

from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, call_command
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV


class Command(BaseCommand):
    help = "Make the tables and the first user where there are none, and serve page and app."

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=3000)

    def handle(self, *, port, **options):
        users = get_user_model().objects
        # `runserver` starts all of it once more whenever the code has changed.
        if DJANGO_AUTORELOAD_ENV not in os.environ:
            call_command("migrate", verbosity=0)
            if not users.exists():
                users.create_user("ada", password="lovelace", first_name="Ada", last_name="Lovelace")
        call_command("runserver", f"127.0.0.1:{port}")
