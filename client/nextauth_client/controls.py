"""What a person presses in a page that `bind` serves: buttons that sign in and out, and forms that sign in.

Knows elements and actions, nothing of what the page shows of the session.
"""

import asyncio

import js

from .bound import SERVED, Attribute, nothing, say
from .bridge import has, listen
from .elements import (
    ELEMENT,
    IGNORED,
    active_beside,
    attribute,
    base_url,
    body,
    closest,
    contains,
    form_controls,
    has_attribute,
    is_node,
    is_same,
    matches,
    node_type,
    query_all,
    reset_form,
    same_address,
    set_attribute,
    tag_of,
    warn,
)
from .errors import NextAuthError, UnsafeURL, explain_error
from .events import Used
from .jsontext import parse_json
from .urls import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Coroutine, Optional

    from .actions import Actions
    from .bound import Errors, Release
    from .driver import Driver
    from .session import SignInResult

    Action = Callable[[], Coroutine[Any, Any, bool]]  # whether the page is to be left

BUTTONS = "[data-auth-signin],[data-auth-signout],[data-auth-stay]"
SUBMITS = "button:not([type=button]):not([type=reset]),input[type=submit],input[type=image]"
OTHER_METHOD = "[formmethod]:not([formmethod=post i])"
LEFT_FOR = ("signin", "provider")  # pages that the browser goes to already
LEAVE_TIMEOUT = 10.0  # seconds that the browser may take to leave, before it is taken to stay (a download)


class Forms(Attribute):
    """Forms that sign in when they are sent."""

    name = "data-auth-form"

    def serve(self, element: "Any", value: str, number: int) -> "Release":
        if not value:
            warn(element, 'names no way to sign in: write data-auth-form="credentials".')
        if str(tag_of(element)) != "form":
            warn(element, "is no form.")
        elif (attribute(element, "method") or "").lower() != "post" or int(query_all(element, OTHER_METHOD).length):
            warn(
                element,
                'puts a password into the address if it is sent before Python runs: write method="post", and no other '
                "formmethod.",
            )
        return nothing


class Controls:
    """Serves what is pressed below a root until `dispose()`.

    - `errors`: the elements that tell what went wrong
    - `fail(code)`: makes the code, or `None`, the newest of what went wrong
    - `messages`: sentences by code
    """

    def __init__(
        self,
        root: "Any",
        driver: "Driver",
        actions: "Actions",
        errors: "Errors",
        fail: "Callable[[Optional[str]], None]",
        messages: "dict[str, str]",
    ) -> None:
        self._root = root
        self._driver = driver
        self._actions = actions
        self._errors = errors
        self._fail = fail
        self._messages = messages
        self._departures: "list[asyncio.Event]" = []  # each is set when the page is left
        self._undo = [
            listen(root, "click", self._clicked, "bind"),
            listen(root, "submit", self._submitted, "bind"),
            listen(js.window, "pagehide", self._hidden, "bind"),
        ]

    def dispose(self) -> None:
        for undo in self._undo:
            undo()
        self._undo = []
        self._hidden()

    def _hidden(self, _event: "Any" = None) -> None:
        for departure in self._departures:
            departure.set()

    # ── what was pressed ─────────────────────────────────────────────────────────────────────────

    def _clicked(self, event: "Any") -> None:
        if event.defaultPrevented or not is_node(event.target) or node_type(event.target) != ELEMENT:
            return
        element = closest(event.target, BUTTONS)
        if not is_node(element) or not contains(self._root, element) or matches(element, IGNORED):
            return
        held = event.ctrlKey or event.metaKey or event.shiftKey or event.altKey
        if held and is_node(closest(element, "a[href]")):
            return  # the person opens it elsewhere
        event.preventDefault()
        if has_attribute(element, "data-auth-stay"):
            self._driver.receive(Used())  # a click may come with no pointer and no key: from a screen reader
        elif not is_busy(element):
            self._begin(element, [element], lambda: self._press(element))

    def _submitted(self, event: "Any") -> None:
        form = event.target
        if event.defaultPrevented or not has_attribute(form, "data-auth-form") or matches(form, IGNORED):
            return
        event.preventDefault()
        if not is_busy(form):
            # Before its buttons are disabled: the one that was pressed may be a field too.
            fields = fields_of(form, event.submitter if has(event, "submitter") else None)
            self._begin(form, submits_of(form), lambda: self._send(form, fields))

    def _begin(self, element: "Any", buttons: "list[Any]", action: "Action") -> None:
        """The buttons are disabled at once, so that a second click which comes before the task begins does nothing.

        They stay so until the page is left: it may come back, from the browser's cache, and they are free then. It may
        have done both before the action is over.
        """
        free = set_busy(element, buttons)
        departure = asyncio.Event()
        self._departures.append(departure)

        async def run() -> None:
            try:
                if await action():
                    await asyncio.wait_for(departure.wait(), LEAVE_TIMEOUT)
            except asyncio.TimeoutError:
                pass
            finally:
                self._departures.remove(departure)
                free()

        self._driver.spawn(run())

    def _callback_url(self, element: "Any") -> "Optional[str]":
        source = closest(element, "[data-auth-callback-url]")
        if not is_node(source):
            return None
        try:
            return resolve(attribute(source, "data-auth-callback-url") or "", base_url())
        except UnsafeURL:
            warn(source, "leads to no http(s) address, so the person comes back to this page.")
            return None

    # ── buttons ──────────────────────────────────────────────────────────────────────────────────

    async def _press(self, element: "Any") -> bool:
        self._fail(None)
        callback_url = self._callback_url(element)
        try:
            if has_attribute(element, "data-auth-signout"):
                await self._actions.sign_out(callback_url=callback_url)
            else:
                await self._sign_in_by(element, callback_url)
        except NextAuthError as error:
            if not self._errors:
                raise  # on the console, and the state's error until the next answer
            self._fail(error.code)
            return False
        return True

    async def _sign_in_by(self, element: "Any", callback_url: "Optional[str]") -> None:
        name = (attribute(element, "data-auth-signin") or "").strip()
        try:
            result = await self._actions.sign_in(name or None, callback_url=callback_url)
        except ValueError as error:  # there is no address to send an e-mail to
            warn(element, f"leads to the backend's own sign-in page, which has the field for it. {error}")
            await self._actions.sign_in(callback_url=callback_url)
        else:
            _warn_of_unknown(element, name, result)

    # ── forms ────────────────────────────────────────────────────────────────────────────────────

    async def _send(self, form: "Any", fields: "dict[str, str]") -> bool:
        tellers = list(query_all(form, f"[data-auth-error]{SERVED}"))

        def tell(code: "Optional[str]") -> None:
            for element in tellers:
                say(element, explain_error(code, self._messages))
            if not tellers:
                self._fail(code)
                if code and not self._errors:
                    warn(form, f"was refused ({code}), and no data-auth-error tells the person so.")

        tell(None)
        was_signed_in = self._driver.store.value.status == "authenticated"
        name = (attribute(form, "data-auth-form") or "").strip()
        callback_url = self._callback_url(form)
        try:
            result = await self._actions.sign_in(name or None, callback_url=callback_url, redirect=False, fields=fields)
            if result:
                _warn_of_unknown(form, name, result)
                if callback_url is not None or result.page is not None:
                    reset_form(form)
                    if result.page not in LEFT_FOR:
                        await self._driver.host.navigate(result.url or "")
                    return True
                leaves, code = await self._see_who_came(form, result, was_signed_in)
                tell(code)
                return leaves
            tell(result.code if result.code in self._messages else result.error)
        except ValueError:  # no address to send an e-mail to
            tell("EmailSignin")
        except NextAuthError as error:
            if not tellers and not self._errors:
                raise  # as above
            tell(error.code)
        return False

    async def _see_who_came(
        self, form: "Any", result: "SignInResult", was_signed_in: bool
    ) -> "tuple[bool, Optional[str]]":
        """A backend that takes what was sent need not have signed in anybody: it may send people elsewhere first.

        Whether the page is to be left for there, and the code of what went wrong.
        """
        await self._driver.callers.quiet()  # the query after a mutation
        state = self._driver.store.value
        url = result.url or ""
        wire = self._driver.wire
        stays = same_address(wire.without_error(url), wire.without_error(self._driver.host.page_url()))
        if state.error is not None:
            return False, state.error.code
        if state.status == "authenticated" and (stays or not was_signed_in):
            reset_form(form)
            return False, None
        if stays:
            return False, "Callback"
        await self._driver.host.navigate(url)
        return True, None


def _warn_of_unknown(element: "Any", name: str, result: "SignInResult") -> None:
    if name and result.page == "signin":
        warn(element, f"names {name!r}, which the backend does not offer: it shows its own sign-in page.")


def submits_of(form: "Any") -> "list[Any]":
    """The buttons that send the form, wherever they stand."""
    return [element for element in form_controls(form) if element.matches(SUBMITS)]


def fields_of(form: "Any", submitter: "Any") -> "dict[str, str]":
    """The form's fields as texts, without those of ignored parts, which may stand anywhere in the page."""
    ignored = [field for field in form_controls(form) if matches(field, IGNORED) and not field.disabled]
    for field in ignored:
        field.disabled = True
    pressed = submitter if is_node(submitter) and not matches(submitter, IGNORED) else None
    entries = js.Object.fromEntries(js.FormData.new(form, pressed))
    for field in ignored:
        field.disabled = False
    fields = parse_json(str(js.JSON.stringify(entries)))
    return {name: value for name, value in fields.items() if isinstance(value, str)}  # a file is none


def is_busy(element: "Any") -> bool:
    return attribute(element, "aria-busy") == "true"


def set_busy(element: "Any", buttons: "list[Any]") -> "Callable[[], None]":
    """Disables the buttons; what is returned frees them again."""
    set_attribute(element, "aria-busy", "true")
    active = active_beside(element)
    disabled = [button for button in buttons if has(button, "disabled") and not button.disabled]  # a link cannot be
    focused = [button for button in disabled if is_same(button, active)]
    for button in disabled:
        button.disabled = True
        set_attribute(button, "aria-busy", "true")

    def free() -> None:
        set_attribute(element, "aria-busy", None)
        for button in disabled:
            button.disabled = False
            set_attribute(button, "aria-busy", None)
        for button in focused:  # a disabled button loses the focus
            if is_same(body(), active_beside(button)):
                button.focus()

    return free
