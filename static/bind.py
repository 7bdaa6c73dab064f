"""All the Python of a page that has data-auth-* attributes alone."""

from nextauth_client import bind

bind()
