"""What CONTRIBUTING.md and the README tell people to type, and where to look, is there."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator

import pytest

from scripts.steps import ROOT

PAGES = ["CONTRIBUTING.md", "README.md"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def commands(page: str) -> Iterator[list[str]]:
    """The lines of its shell blocks, in words."""
    for block in re.findall(r"```sh\n(.*?)```", read(page), re.S):
        for line in block.splitlines():
            if words := shlex.split(line, comments=True):
                yield words


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_is_named_exists(page: str) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", read(page), re.M))
    assert named and named <= TARGETS


def test_every_make_target_is_explained_by_make_help() -> None:
    explained = set(re.findall(r'echo "make ([a-z-]+) ', MAKEFILE))
    assert explained == TARGETS - {"help"}


def test_every_path_that_is_named_exists() -> None:
    text = read("CONTRIBUTING.md")
    named = {*re.findall(r"\]\(([\w./-]+)\)", text), *re.findall(r"`([\w.-]*/[\w./-]*)`", text)}
    named -= {"dist/", "dist/cdn/"}  # what a release makes
    named |= {word for words in commands("CONTRIBUTING.md") for word in words if word.startswith("tests/")}
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_module_that_is_run_exists() -> None:
    modules = {words[words.index("-m") + 1] for words in commands("CONTRIBUTING.md") if "-m" in words}
    assert modules
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


def test_the_readme_leads_to_it() -> None:
    assert "(CONTRIBUTING.md)" in read("README.md")
