"""All the Python that a page with data-auth-* attributes alone needs: <script type="mpy" src="/static/bind.py" …>."""

from nextauth_client import bind

bind()
