"""What the errors promise, in every interpreter."""

from nextauth_client.console import report
from nextauth_client.errors import (
    KINDS,
    BackendUnreachable,
    CSRFRefused,
    NextAuthError,
    UnexpectedAnswer,
    UnsafeURL,
    explain_error,
    is_error_code,
    revive,
)

from .helpers import differ

CODES = [
    "CredentialsSignin",
    "EmailSignin",
    "OAuthSignin",
    "OAuthCallback",
    "OAuthCallbackError",
    "OAuthAccountNotLinked",
    "WebAuthnVerificationError",
    "Callback",
    "AccessDenied",
    "Verification",
    "SessionRequired",
    "Configuration",
    "configuration",
    "MissingCSRF",
]


def test_every_kind_is_a_nextauth_error_with_a_code_of_its_own():
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes) >= 5
    for kind in KINDS:
        error = kind("what to do")
        assert isinstance(error, NextAuthError) and isinstance(error, Exception)
        assert error.message == str(error) == "what to do"
        assert error.code == kind.code


def test_errors_are_equal_by_code_and_message():
    assert UnsafeURL("a") == UnsafeURL("a")
    assert not differ(UnsafeURL("a"), UnsafeURL("a"))
    assert UnsafeURL("a") != UnsafeURL("b")
    assert UnsafeURL("a") != CSRFRefused("a")
    assert UnsafeURL("a") != "a"
    assert len({UnsafeURL("a"), UnsafeURL("a"), CSRFRefused("a")}) == 2


def test_an_error_of_another_tab_comes_back_as_its_kind():
    for kind in KINDS:
        error = revive(kind.code, "text")
        assert type(error) is kind and error == kind("text")
    assert type(revive("nosuch", "text")) is NextAuthError


def test_every_code_that_backends_use_has_a_sentence_of_its_own_kind():
    unknown = explain_error("nosuch")
    for code in CODES:
        assert is_error_code(code)
        assert explain_error(code) != unknown
        assert explain_error(code).endswith(".") and code not in explain_error(code)
    for kind in (BackendUnreachable, UnexpectedAnswer, CSRFRefused):
        assert explain_error(kind.code) != unknown


def test_an_unknown_code_is_explained_without_repeating_it():
    assert explain_error("<script>").endswith("Try again.")
    assert "<" not in explain_error("<script>")
    assert not is_error_code("<script>")


def test_no_error_needs_no_sentence():
    assert explain_error(None) == explain_error("") == ""
    assert explain_error(None, {"default": "x"}) == ""
    assert not is_error_code(None) and not is_error_code("")


def test_sentences_can_be_replaced():
    german = {"AccessDenied": "Kein Zutritt.", "mine": "Meins.", "default": "Etwas ging schief."}
    assert explain_error("AccessDenied", german) == "Kein Zutritt."
    assert explain_error("mine", german) == "Meins."
    assert explain_error("nosuch", german) == "Etwas ging schief."
    assert explain_error("Verification", german) == explain_error("Verification")
    assert explain_error("nosuch", {}) == explain_error("nosuch")


def test_any_error_can_be_reported():
    class Odd(Exception):
        def __str__(self):
            return "odd"

    report(Odd(), "this check")
    try:
        raise ValueError("on purpose")
    except ValueError as error:
        report(error, "this check")
