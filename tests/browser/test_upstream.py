"""What docs/upstream says of Pyodide: when this fails because Pyodide was mended, the page has done its work."""

from __future__ import annotations

from scripts.steps import ROOT
from tests.support.engines import Engine
from tests.support.tabs import Tab, Tabs, contract, pyodide_only


@contract
@pyodide_only
def test_pyodide_goes_on_from_no_rejection_without_an_error_and_from_all_settled_always(
    tabs: Tabs, engine: Engine
) -> None:
    tabs.site.write("/rejections.html", (ROOT / "docs" / "upstream" / "pyodide-rejections.html").read_text("utf-8"))
    tab = Tab(tabs.context.new_page(), tabs.backend)  # of which errors and a request elsewhere are expected
    tab.page.goto(tabs.backend.url + "/rejections.html?pyodide=/static/vendor/pyodide/")
    tab.until("'done' in document.documentElement.dataset")
    as_it_is, mended = tab.page.evaluate("[...document.querySelectorAll('pre')].map(one => one.textContent.trim())")
    network = "raises" if engine.rejects_fetch_with_a_stack else "NEVER GOES ON"
    assert f"fetch() where nobody answers: {network}" in as_it_is
    assert "a rejection with a text: NEVER GOES ON" in as_it_is
    assert "allSettled() around a rejection: goes on" in as_it_is
    assert [line.split(": ")[1].split()[0] for line in mended.splitlines()] == ["raises"] * 4 + ["goes"]
