"""The errors, and the words for them."""

from __future__ import annotations

import pickle

import pytest
from nextauth_client import errors
from nextauth_client.console import report
from nextauth_client.errors import KINDS, NextAuthError

from tests.support.micropython import run_in_micropython
from tests.unit.both import in_both_interpreters

test_behaviour = in_both_interpreters("errors")


def test_the_tree_in_the_module_names_every_kind() -> None:
    for kind in (NextAuthError, *KINDS):
        assert f" {kind.__name__}" in (errors.__doc__ or "")


def test_every_kind_can_be_revived() -> None:
    kinds = {kind for kind in NextAuthError.__subclasses__() if kind.__module__ == errors.__name__}  # not a server's
    assert kinds and kinds <= set(KINDS)


def test_a_report_names_the_place_and_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("on purpose")
    except ValueError as error:
        report(error, "effect greet")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("nextauth_client: effect greet failed:\nTraceback")
    assert shown.err.endswith("ValueError: on purpose\n")


def test_in_micropython_a_report_goes_to_the_console_and_not_to_the_page() -> None:
    code = """
from nextauth_client.console import report
try:
    1 / 0
except ZeroDivisionError as e:
    report(e, 'x')
"""
    assert run_in_micropython(code) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_can_be_pickled(kind: type[NextAuthError]) -> None:
    assert pickle.loads(pickle.dumps(kind("text"))) == kind("text")
