"""Runs the checks of a portable module in CPython and in MicroPython, and coroutines in a thread of their own."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.support.micropython import run_in_micropython

PORTABLE = Path(__file__).with_name("portable")


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The coroutine's result, from an event loop that no other loop of the test run knows of."""
    outcome: list[Any] = []

    def in_thread() -> None:
        try:
            outcome.append((asyncio.run(coroutine), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    result, error = outcome[0]
    if error is not None:
        raise error
    return result


def in_both_interpreters(module_name: str) -> Callable[[str], None]:
    """A test of each check in `portable/{module_name}.py` in CPython, and of all of them in MicroPython."""
    module = importlib.import_module(f"tests.unit.portable.{module_name}")
    checks = [name for name, value in vars(module).items() if name.startswith("test_") and inspect.isfunction(value)]

    @pytest.mark.parametrize("check", [*checks, "in_micropython"])
    def test(check: str) -> None:
        if check == "in_micropython":
            assert run_in_micropython(micropython_code(module_name, checks)) == f"{len(checks)} checks\n"
            return
        result = getattr(module, check)()
        if inspect.iscoroutine(result):
            run(result)

    return test


def micropython_code(module_name: str, checks: list[str]) -> str:
    sources = {name: (PORTABLE / name).read_text() for name in ("helpers.py", f"{module_name}.py")}
    return f"""
import asyncio, os, sys
folder = "/lib"
for part in ("tests", "unit", "portable"):
    folder += "/" + part
    os.mkdir(folder)
for name, source in {sources!r}.items():
    with open(folder + "/" + name, "w") as file:
        file.write(source)
from tests.unit.portable import {module_name} as module

async def check_all():
    for name in {checks!r}:
        try:
            result = getattr(module, name)()
            if hasattr(result, "send"):
                await result
        except BaseException:
            print("in", name)
            raise
    print({len(checks)}, "checks")

await asyncio.create_task(check_all())
"""
