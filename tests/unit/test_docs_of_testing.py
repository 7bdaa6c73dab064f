"""The tests of docs/testing.md that need no browser pass, as they stand there, in folders of `new`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nextauth_client.testing import Browser

from scripts.steps import ROOT
from tests.support.documents import files_of, pytest_passes, write
from tests.support.newcomer import new

FILES = files_of("testing.md", "A page without a browser")
TEXT = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")


@pytest.mark.heavy("runs pytest in folders of `new`")
@pytest.mark.parametrize("words", [["--flask"], []], ids=["with an app", "alone"])
def test_a_page_is_tested_without_a_browser(words: list[str], tmp_path: Path) -> None:
    new(tmp_path / "mypage", *words)
    files = FILES if words else {"test_page.py": FILES["test_page.py"]}
    write(files, tmp_path / "mypage")
    tests = sum(text.count("async def test_") for text in files.values())
    assert pytest_passes(tmp_path / "mypage") == tests >= 5


@pytest.mark.heavy("runs pytest in a folder of `new`")
def test_its_tests_notice_what_is_wrong_with_the_page(tmp_path: Path) -> None:
    new(tmp_path / "mypage")
    page = tmp_path / "mypage" / "pages" / "main.py"
    write({"test_page.py": FILES["test_page.py"]}, tmp_path / "mypage")
    page.write_text(page.read_text().replace("bind()", ""))
    with pytest.raises(AssertionError, match="5 failed"):
        pytest_passes(tmp_path / "mypage")


async def test_each_word_of_the_table_is_there(auth_browser: Browser) -> None:
    words = re.findall(r"`(?:(?:await )?auth_(browser|backend)\.)?(\w+)[\[(=]", TEXT.partition("| in a test |")[2])
    named = {name for owner, name in words if owner}
    assert {"signed_in_as", "answers", "goes_offline", "load", "open_tab", "suspend", "api", "users"} <= named
    for owner, name in words:
        if owner:
            assert hasattr(auth_browser if owner == "browser" else auth_browser.backend, name), name
    for name in ("sends_bad_json", "is_unreachable", "hangs", "is_well_again"):
        assert hasattr(auth_browser.backend, name)
    for name in ("focus", "hide", "use", "leave", "crash", "visited"):
        assert hasattr(auth_browser.tab(), name)
