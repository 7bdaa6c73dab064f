"""The developer tools: a panel that shows what this client does, and why. Never loaded unless a page asks for it.

`python -m nextauth_client files FOLDER --devtools` writes them as an archive of their own (docs/devtools.md).
"""

from . import log as lines
from . import runtime
from .provider import default_provider

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from .provider import Provider
    from .store import Subscription


def open(provider: "Optional[Provider]" = None) -> "Subscription":
    """Show the panel for the default Provider, or another one; a second call finds it open.

    Returns a handle with `.dispose()`, which closes it; so do its own button, Escape, and `Provider.stop()`. Raises
    `NotAvailableHere` outside a page.
    """
    runtime.require_elements("devtools.open")
    from .panel import show

    shown = default_provider("devtools.open") if provider is None else provider
    panel = show(shown.driver, shown)
    panel.take_focus()
    opened: "Subscription" = panel
    return opened


def log(provider: "Optional[Provider]" = None) -> "Subscription":
    """Write each event and its effects, of the default Provider or another one, as a line, which else nobody does.

    In a browser on the console ("verbose" shows it); on CPython, as in tests, by `logging`, under the name
    `nextauth_client` and at the level `DEBUG`. Returns a handle whose `.dispose()` ends that. Raises `NotAvailableHere`
    on a server.
    """
    return lines.follow((default_provider("devtools.log") if provider is None else provider).driver)
