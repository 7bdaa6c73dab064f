"""Python awaits a promise of JavaScript's by `bridge.outcome` alone: docs/upstream/pyodide-rejections.md says why."""

from __future__ import annotations

import ast

import pytest
from nextauth_client.packing import page_modules

TREES = {module.stem: ast.parse(module.read_text(encoding="utf-8")) for module in page_modules()}
ASYNC_FUNCTIONS = {
    node.name for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)
} - {"text", "json", "bytes"}  # of our `Response`, whose names are those of JavaScript's

# Names of what is awaited that is a coroutine or a task of the page's own.
OWN = {"action", "coroutine", "body", "result"}


def promises(tree: ast.AST) -> list[str]:
    """What is awaited there and is, for all one can see, no coroutine of this package's or of asyncio's."""
    awaited = [node.value for node in ast.walk(tree) if isinstance(node, ast.Await)]
    return [ast.unparse(one) for one in awaited if not is_ours(one)]


def is_ours(node: ast.expr) -> bool:
    if isinstance(node, ast.IfExp):
        return is_ours(node.body) and is_ours(node.orelse)
    if isinstance(node, ast.Name):
        return node.id in OWN
    if not isinstance(node, ast.Call):
        return False
    owner, _, name = ast.unparse(node.func).rpartition(".")
    if owner == "asyncio" or name == "act":  # which take coroutines
        return all(is_ours(argument) for argument in node.args if isinstance(argument, ast.Call))
    return name in {*ASYNC_FUNCTIONS, *OWN} and not owner.startswith("js")


@pytest.mark.parametrize("module", sorted(TREES))
def test_no_promise_is_awaited_but_in_the_way_that_survives_a_rejection(module: str) -> None:
    the_way = ["js.Promise.allSettled(js.Object.values(_called(function)))"] if module == "bridge" else []
    assert promises(TREES[module]) == the_way


@pytest.mark.parametrize(
    "code",
    [
        "await js.fetch(url)",
        "await response.arrayBuffer()",
        "await promise",
        "await asyncio.wait_for(js.fetch(url), 5)",
        "await (outcome(ask) if early else response.text())",
        "await self._early.done",
    ],
)
def test_a_promise_is_noticed(code: str) -> None:
    assert len(promises(ast.parse(f"async def look():\n    {code}"))) == 1


@pytest.mark.parametrize(
    "code", ["await outcome(ask)", "await host.fetch(request, 5)", "await asyncio.wait_for(event.wait(), 5)"]
)
def test_a_coroutine_is_none(code: str) -> None:
    assert promises(ast.parse(f"async def look():\n    {code}")) == []
