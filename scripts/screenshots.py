"""docs/demo.png, the demo page with somebody signed in, and docs/two-tabs.png: one tab signs in, the other follows.

`.venv/bin/python -m scripts.screenshots` takes both anew. Each picture carries a digest of what it was taken of, by
which a test sees that it is current: the pixels themselves depend on the machine's fonts.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.browsers import chromium_args, find_chromium
from scripts.environment import VENV_PYTHON
from scripts.png import Frame, animated, text_in, with_text
from scripts.steps import ROOT, say

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PICTURE = ROOT / "docs" / "demo.png"
ANIMATION = ROOT / "docs" / "two-tabs.png"
SHOWN = ["index.html", "static/demo.css", "static/demo.py", "static/icon.svg"]
KEYWORD = "Source-SHA256"

TWO_TABS = """<!doctype html>
<style>
  body { display: flex; gap: 16px; width: max-content; margin: 0; padding: 12px 16px 16px; background: #dfe2ec; }
  section { font: 600 14px/1 system-ui, sans-serif; color: #1b1f2d; }
  h2 { width: max-content; margin: 0 0 0 14px; padding: 10px 18px; font: inherit; }
  h2 { background: #f4f5fa; border-radius: 10px 10px 0 0; }
  img { display: block; border-radius: 10px; }
</style>
<section><h2>Tab 1</h2><img></section> <section><h2>Tab 2</h2><img></section>
"""


def digest_of_sources() -> str:
    digest = hashlib.sha256()
    for name in SHOWN:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def digest_in(picture: bytes) -> str | None:
    """The digest that a picture carries."""
    return text_in(picture, KEYWORD)


@contextmanager
def demo() -> Iterator[tuple[Browser, str]]:
    """A browser, and where the demo is."""
    from playwright.sync_api import sync_playwright

    command: list[str | Path] = [VENV_PYTHON, "-m", "server_stub", "--port", "0", "--dev-controls"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = server.stdout.readline().strip()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_chromium(), args=chromium_args())
                yield browser, url
                browser.close()
        finally:
            server.terminate()


def take(browser: Browser, url: str) -> bytes:
    page = browser.new_page(viewport={"width": 1200, "height": 1030}, color_scheme="light")
    page.goto(url)
    type_in(page, "Username", "ada")
    type_in(page, "Password", "lovelace")
    page.get_by_role("button", name="Sign in", exact=True).click()
    wait_for(page, "Signed in as Ada Lovelace")
    picture = page.screenshot()
    page.close()
    return picture


def film(browser: Browser, url: str) -> bytes:
    # The heading and the form, or who is signed in.
    context = browser.new_context(base_url=url, viewport={"width": 460, "height": 558}, color_scheme="light")
    first, second = context.new_page(), context.new_page()
    shown = browser.new_page(viewport={"width": 1000, "height": 700})
    shown.set_content(TWO_TABS)

    def frame(tab: Page, milliseconds: int) -> Frame:
        """The picture with this tab as it is now, or the part of it that this is."""
        image = shown.locator("img").nth(0 if tab is first else 1)
        tab.evaluate("scrollTo(0, document.querySelector('h1').getBoundingClientRect().top + scrollY - 20)")
        picture = base64.b64encode(tab.screenshot(caret="initial")).decode()
        image.evaluate(
            "(image, url) => { image.src = url; return image.decode(); }", f"data:image/png;base64,{picture}"
        )
        box = image.bounding_box()
        assert box is not None
        return Frame(image.screenshot(), round(box["x"]), round(box["y"]), milliseconds)

    for tab in (first, second):
        tab.goto("/")
        wait_for(tab, "Not signed in")
        frame(tab, 0)
    frames = [Frame(shown.locator("body").screenshot(), 0, 0, 1000)]
    type_in(first, "Username", "ada")
    frames.append(frame(first, 500))
    type_in(first, "Password", "lovelace")
    frames.append(frame(first, 700))
    first.get_by_role("button", name="Sign in", exact=True).click()
    for tab, milliseconds in [(first, 500), (second, 2000)]:
        wait_for(tab, "Signed in as Ada Lovelace")
        frames.append(frame(tab, milliseconds))
    context.close()
    shown.close()
    return animated(frames)


def type_in(page: Page, field: str, text: str) -> None:
    page.get_by_label(field).fill(text)


def wait_for(page: Page, who: str) -> None:
    """Until the page says so, and all of it is there."""
    from playwright.sync_api import expect

    expect(page.locator("#who")).to_have_text(who)
    if who != "Not signed in":
        expect(page.locator("#picture")).to_be_visible()
    expect(page.locator("#state-failing")).to_have_text("off")
    page.wait_for_load_state("networkidle")


def main() -> int:
    with demo() as (browser, url):
        pictures = {ANIMATION: film(browser, url), PICTURE: take(browser, url)}
    for file, picture in pictures.items():
        file.write_bytes(with_text(picture, KEYWORD, digest_of_sources()))
        say(f"Screenshot: {file.relative_to(ROOT)} ({file.stat().st_size // 1024} KB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
