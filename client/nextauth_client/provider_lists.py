"""data-auth-providers: a button for each way to sign in that the backend offers, made of the author's template."""

from .bound import Attribute, nothing
from .console import report
from .elements import append, attribute, is_node, query, remove, replace_children, set_attribute, text_of, warn
from .errors import NextAuthError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from .actions import Actions
    from .bound import Release
    from .driver import Driver
    from .session import AuthProvider


class ProviderLists(Attribute):
    """Asks for the providers when there is a list to fill, and after a failure when `may_ask` is set again."""

    name = "data-auth-providers"

    def __init__(self, driver: "Driver", actions: "Actions") -> None:
        self.may_ask = True
        self._asking = False  # and has no answer yet
        self._driver = driver
        self._actions = actions
        self._providers: "Optional[list[AuthProvider]]" = None
        self._lists: "dict[int, tuple[Any, list[Any]]]" = {}  # an element, and the nodes put into it

    def serve(self, element: "Any", value: str, number: int) -> "Release":
        if not is_node(query(element, "template")):
            warn(element, "needs a <template> with a button in it.")
            return nothing
        self._lists[number] = (element, [])
        self.fill()

        def release() -> None:
            for node in self._lists.pop(number)[1]:
                remove(node)

        return release

    def fill(self) -> None:
        if self._providers is None:
            if self._lists and self.may_ask and not self._asking:
                self._asking = True
                self._driver.spawn(self._ask())
            return
        for element, nodes in self._lists.values():
            if not nodes:
                for provider in self._providers:
                    nodes.extend(_nodes_for(element, provider))
                append(element, *nodes)

    async def _ask(self) -> None:
        """A failure is said on the console only, for it tells nothing of the session."""
        try:
            if self._lists:  # not released before the task began
                self.may_ask = False
                self._providers = list((await self._actions.get_providers()).values())
        except NextAuthError as error:
            if self._lists:
                report(error, "asking for what data-auth-providers shows")
            return
        finally:
            self._asking = False
        self.fill()


def _nodes_for(element: "Any", provider: "AuthProvider") -> "list[Any]":
    """The template's content for one provider."""
    copy = query(element, "template").content.cloneNode(True)
    for place in copy.querySelectorAll("[data-auth-text]"):
        value = {"name": provider.name, "id": provider.id, "type": provider.type}
        path = attribute(place, "data-auth-text") or ""
        if path.startswith("provider.") and path[9:] in value:
            replace_children(place, value[path[9:]])
            set_attribute(place, "data-auth-text", None)
    button = copy.querySelector("[data-auth-signin]")
    if not is_node(button):
        button = copy.querySelector("button,a")
    if not is_node(button):
        warn(element, "has no button in its <template>.")
        return []
    # What needs fields first is filled in on the backend's own page.
    set_attribute(button, "data-auth-signin", "" if provider.needs_form else provider.id)
    if not str(text_of(button)).strip():
        append(button, provider.name)
    return list(copy.childNodes)
