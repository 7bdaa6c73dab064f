"""Driver and flows towards a backend whose every word is another: nothing but the wire knows one of `/api/auth`'s."""

from __future__ import annotations

import ast
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import nextauth_client
import pytest
from nextauth_client import testing
from nextauth_client.actions import Actions
from nextauth_client.driver import Driver
from nextauth_client.errors import CSRFRefused, UnexpectedAnswer
from nextauth_client.host import Answer, Request
from nextauth_client.options import Options
from nextauth_client.session import AuthProvider, SignInResult, SignOutResult
from nextauth_client.testing import KEEP, Browser, run
from nextauth_client.urls import query_of

PACKAGE = Path(nextauth_client.__file__).parent
BASE = "https://example.org/id"
STEAM = AuthProvider("steam", "Steam", "federation", "", "")
LETTER = AuthProvider("letter", "By letter", "post", "", "", needs_form=True)
PHRASE = AuthProvider("phrase", "Pass phrase", "phrase", "", "", needs_form=True)


class Wire:
    """`GET /me` answers a name or `nobody`; a POST carries its token in front, and is answered by one word."""

    def session_request(self, base: str) -> Request:
        return Request("GET", base + "/me")

    def understand_session(self, answer: Answer) -> dict[str, Any] | None:
        if answer.status != 200:
            raise UnexpectedAnswer("/me failed")
        return None if answer.text == "nobody" else {"user": {"name": answer.text}}

    def csrf_request(self, base: str) -> Request:
        return Request("GET", base + "/stamp")

    def understand_csrf(self, answer: Answer) -> str:
        return answer.text

    def providers_request(self, base: str) -> Request:
        return Request("GET", base + "/ways")

    def understand_providers(self, answer: Answer) -> dict[str, AuthProvider]:
        return {provider.id: provider for provider in (STEAM, LETTER, PHRASE)}

    def pinned_and_free(self, params: Any) -> tuple[list[str], list[tuple[str, str]]]:
        return [], []

    def sign_in_page(self, base: str, callback_url: str, is_required: bool = False) -> str:
        return base + "/door" + "?please" * is_required

    def signs_in_at_once(self, provider: AuthProvider) -> bool:
        return provider is PHRASE

    def check_fields(self, provider: AuthProvider, fields: dict[str, Any]) -> None:
        if provider is LETTER and "street" not in fields:
            raise ValueError("A letter needs street=.")

    def sign_in_request(
        self,
        base: str,
        provider: AuthProvider,
        csrf_token: str,
        callback_url: str,
        fields: dict[str, Any],
        authorization_params: list[tuple[str, str]],
    ) -> Request:
        return Request("POST", f"{base}/in/{provider.id}", {}, csrf_token + " " + fields.get("words", ""))

    def understand_sign_in(
        self, answer: Answer, resolve: Callable[[str], str], callback_url: str
    ) -> tuple[str, SignInResult]:
        if answer.text == "wrong":
            return BASE + "/door?wrong", SignInResult("CredentialsSignin", 200, False)
        return callback_url, SignInResult(url=callback_url)

    def understand_popup(self, address: str, callback_url: str) -> SignInResult | None:
        return SignInResult(url=address) if address == callback_url else None

    def sign_out_request(self, base: str, csrf_token: str, callback_url: str) -> Request:
        return Request("POST", base + "/out", {}, csrf_token + " ")

    def understand_sign_out(
        self, answer: Answer, resolve: Callable[[str], str], callback_url: str
    ) -> SignOutResult | None:
        return SignOutResult(callback_url)

    def is_csrf_refusal(self, answer: Answer) -> bool:
        return answer.text == "stale stamp"

    def update_request(self, base: str, csrf_token: str, data: Any) -> Request:
        return Request("POST", base + "/me", {}, csrf_token + " " + str(data))

    def understand_update(self, answer: Answer) -> dict[str, Any] | None:
        if self.is_unknown_action(answer):
            raise UnexpectedAnswer("Names are given for life.")
        return self.understand_session(answer)

    is_update_refusal = is_csrf_refusal

    def is_unknown_action(self, answer: Answer) -> bool:
        return answer.text == "never"

    def is_at_backend(self, address: str, base: str) -> bool:
        return address.startswith(base)

    def error_in_page(self, page_url: str) -> str | None:
        return query_of(page_url).get("woe")

    def without_error(self, page_url: str) -> str:
        return page_url.partition("?woe=")[0]


class Backend(testing.Backend):
    """Its cookie is the name of who is signed in."""

    def __init__(self, browser: Browser) -> None:
        super().__init__(browser.now)
        self.stamp = "first"
        self.words = "open sesame"
        self.seen: list[str] = []

    def handle(self, request: Request, cookie: Any, *, has_token: bool = True) -> tuple[Answer, Any]:
        path = request.url.partition("/id")[2]
        self.seen.append(f"{request.method} {path}")
        if request.method == "GET":
            text = {"/me": cookie or "nobody", "/stamp": self.stamp, "/ways": ""}[path]
            return Answer(200, text), KEEP
        stamp, _, rest = (request.body or "").partition(" ")
        if stamp != "first":
            return Answer(200, "stale stamp"), KEEP
        if path == "/out":
            return Answer(200, "bye"), None
        if path == "/me":
            return (Answer(200, rest), rest) if rest != "Eve" else (Answer(200, "never"), KEEP)
        if path == "/in/phrase":
            return (Answer(200, "right"), "Ada") if rest == self.words else (Answer(200, "wrong"), KEEP)
        return Answer(200, "go on"), KEEP


class Page:
    """A driver and its actions in a tab whose backend speaks the other wire."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.tab = browser.tab(address)
        self.driver = Driver(self.tab, Wire(), BASE, Options())
        self.actions = Actions(self.driver)

    def name(self) -> str | None:
        session = self.driver.store.value.session
        return session and session.user.name


Story = Callable[[Page, Backend], Awaitable[None]]


def with_another_wire(story: Story, address: str = "https://example.org/") -> None:
    async def page(browser: Browser) -> None:
        browser.backend = backend = Backend(browser)
        one = Page(browser, address)
        one.driver.start(takes_what_came=True)
        await one.driver.callers.first_answer(False)
        await story(one, backend)
        one.driver.stop()

    run(page)


def test_signing_in_updating_and_signing_out() -> None:
    async def story(page: Page, backend: Backend) -> None:
        assert page.driver.store.value.status == "unauthenticated"
        assert await page.actions.sign_in("phrase", redirect=False, words="open sesame")
        await page.driver.callers.quiet()
        assert page.name() == "Ada"
        await page.actions.update_session("Ada L.")
        assert page.name() == "Ada L."
        await page.actions.sign_out(redirect=False)
        assert page.name() is None
        assert [seen for seen in backend.seen if "POST" in seen] == ["POST /in/phrase", "POST /me", "POST /out"]

    with_another_wire(story)


def test_a_refusal_is_a_result() -> None:
    async def story(page: Page, backend: Backend) -> None:
        result = await page.actions.sign_in("phrase", redirect=False, words="open barley")
        assert (result.ok, result.error) == (False, "CredentialsSignin")

    with_another_wire(story)


def test_a_refused_token_is_fetched_once_more_and_then_no_more() -> None:
    async def story(page: Page, backend: Backend) -> None:
        backend.stamp = "second"
        for action in (
            lambda: page.actions.sign_in("phrase", redirect=False, words="open sesame"),
            lambda: page.actions.sign_out(redirect=False),
            lambda: page.actions.update_session("Ada"),
        ):
            backend.seen.clear()
            with pytest.raises(CSRFRefused):
                await action()
            assert sum("POST" in seen for seen in backend.seen) == 2

    with_another_wire(story)


def test_what_a_backend_cannot_do_is_said_in_its_own_words() -> None:
    async def story(page: Page, backend: Backend) -> None:
        with pytest.raises(UnexpectedAnswer, match="for life"):
            await page.actions.update_session("Eve")

    with_another_wire(story)


def test_the_wire_says_what_a_form_needs_and_who_is_signed_in_by_it() -> None:
    async def story(page: Page, backend: Backend) -> None:
        with pytest.raises(ValueError, match="street"):
            await page.actions.sign_in("letter", redirect=False)
        backend.seen.clear()
        assert await page.actions.sign_in("letter", redirect=False, street="12 Broad Street")
        await page.driver.callers.quiet()
        assert backend.seen == ["GET /ways", "GET /stamp", "POST /in/letter"], "nobody can have been signed in yet"

    with_another_wire(story)


def test_its_own_pages_and_its_errors_are_its_own() -> None:
    async def story(page: Page, backend: Backend) -> None:
        await page.actions.sign_in()
        page.actions.require_sign_in()
        await page.driver.flows.get_providers()
        assert page.tab.visited == [BASE + "/door", BASE + "/door?please"]
        assert (await page.actions.sign_out(redirect=False)).url == "https://example.org/hall"

    with_another_wire(story, "https://example.org/hall?woe=lost")


def test_what_came_with_the_page_is_read_by_it() -> None:
    async def page(browser: Browser) -> None:
        browser.backend = Backend(browser)
        one = Page(browser, "https://example.org/")
        one.tab.embedded = "Grace"
        one.driver.start(takes_what_came=True)
        assert one.name() == "Grace"
        assert browser.requests == []
        one.driver.stop()

    run(page)


WORDS_OF_THE_WIRE = {
    *("credentials", "email", "csrfToken", "callbackUrl", "MissingCSRF", "SessionRequired", "verify-request"),
    *("/api/auth", "/session", "/csrf", "/providers", "/signin", "/signout"),
}


@pytest.mark.parametrize(
    "module",
    [
        *("host", "flows", "runtime", "given", "callers", "announcing", "driver", "actions"),
        *("controls", "provider_lists", "binding", "provider", "api"),
    ],
)
def test_only_the_wire_knows_its_words(module: str) -> None:
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert texts & WORDS_OF_THE_WIRE == set()
