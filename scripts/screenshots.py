"""docs/demo.png: the demo page with somebody signed in, as the README shows it.

`.venv/bin/python -m scripts.screenshots` takes it anew. The picture carries a digest of what it was taken of, by which
a test sees that it is current: the pixels themselves depend on the machine's fonts.
"""

from __future__ import annotations

import hashlib
import struct
import subprocess
import sys
import zlib
from pathlib import Path

from scripts.browsers import chromium_args, find_chromium
from scripts.environment import VENV_PYTHON
from scripts.steps import ROOT, say

PICTURE = ROOT / "docs" / "demo.png"
SHOWN = ["index.html", "static/demo.css", "static/demo.py", "static/icon.svg"]
KEYWORD = b"Source-SHA256"


def digest_of_sources() -> str:
    digest = hashlib.sha256()
    for name in SHOWN:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def digest_in(picture: bytes) -> str | None:
    """The digest that a picture carries."""
    for kind, data in _chunks(picture):
        keyword, _, text = data.partition(b"\0")
        if kind == b"tEXt" and keyword == KEYWORD:
            return text.decode("latin-1")
    return None


def with_digest(picture: bytes, digest: str) -> bytes:
    """The PNG with a text chunk before its last one."""
    body = b"tEXt" + KEYWORD + b"\0" + digest.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return picture[:-12] + chunk + picture[-12:]


def _chunks(picture: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4])
        chunks.append((picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]))
        at += length + 12
    return chunks


def take() -> bytes:
    from playwright.sync_api import expect, sync_playwright

    command: list[str | Path] = [VENV_PYTHON, "-m", "server_stub", "--port", "0", "--dev-controls"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = server.stdout.readline().strip()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_chromium(), args=chromium_args())
                page = browser.new_page(viewport={"width": 1200, "height": 1030}, color_scheme="light")
                page.goto(url)
                page.get_by_label("Username").fill("ada")
                page.get_by_label("Password").fill("lovelace")
                page.get_by_role("button", name="Sign in", exact=True).click()
                expect(page.locator("#who")).to_have_text("Signed in as Ada Lovelace")
                expect(page.locator("#picture")).to_be_visible()
                expect(page.locator("#state-failing")).to_have_text("off")
                page.wait_for_load_state("networkidle")
                picture = page.screenshot()
                browser.close()
                return picture
        finally:
            server.terminate()


def main() -> int:
    PICTURE.write_bytes(with_digest(take(), digest_of_sources()))
    say(f"Screenshot: {Path(PICTURE).relative_to(ROOT)} ({PICTURE.stat().st_size // 1024} KB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
