from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.png import Frame, animated, chunks, milliseconds_of, with_text
from scripts.screenshots import ANIMATION, KEYWORD, PICTURE, digest_in, digest_of_sources
from scripts.steps import ROOT

BLANK = PICTURE.read_bytes()[:33] + b"\0\0\0\0IEND\xaeB`\x82"


@pytest.mark.parametrize("picture", [PICTURE, ANIMATION], ids=lambda picture: picture.name)
def test_a_picture_in_the_readme_shows_the_demo_as_it_is(picture: Path) -> None:
    assert digest_in(picture.read_bytes()) == digest_of_sources(), "type `make docs`, and look at the new pictures"


def test_the_readme_has_an_animation_that_ends_soon_and_a_still_for_who_wants_none() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [animation] = re.findall(r'<img src="docs/([^"]+)" alt="[^"]{20,}">', readme)
    [still] = re.findall(r'<source media="\(prefers-reduced-motion: reduce\)" srcset="docs/([^"]+)">', readme)
    assert (animation, still) == (ANIMATION.name, PICTURE.name)
    [plays] = [data for kind, data in chunks(ANIMATION.read_bytes()) if kind == b"acTL"]
    times = milliseconds_of(ANIMATION.read_bytes())
    assert int.from_bytes(plays[4:], "big") == 1 and len(times) > 3
    assert sum(times) < 5000  # what moves for longer than 5 seconds needs a way to stop it (WCAG 2.2.2)
    assert ANIMATION.stat().st_size < 300 * 1024
    assert milliseconds_of(PICTURE.read_bytes()) == []


def test_a_digest_replaced_in_a_picture_is_the_one_that_is_read() -> None:
    assert digest_in(BLANK) is None
    assert digest_in(with_text(BLANK, KEYWORD, "abc")) == "abc"


def test_an_animation_is_made_of_pictures_as_they_are() -> None:
    made = animated([Frame(PICTURE.read_bytes(), 0, 0, 300), Frame(PICTURE.read_bytes(), 5, 7, 200)])
    found = [kind for kind, _ in chunks(made)]
    parts = [data for kind, data in chunks(PICTURE.read_bytes()) if kind == b"IDAT"]
    assert [data for kind, data in chunks(made) if kind == b"IDAT"] == parts
    assert [data[4:] for kind, data in chunks(made) if kind == b"fdAT"] == parts
    assert found.count(b"fcTL") == 2 and found[:3] == [b"IHDR", b"acTL", b"fcTL"] and found[-1] == b"IEND"
    numbers = [int.from_bytes(data[:4], "big") for kind, data in chunks(made) if kind in (b"fcTL", b"fdAT")]
    assert numbers == list(range(len(numbers)))
    assert milliseconds_of(made) == [300, 200]
    with pytest.raises(ValueError, match="kind of colours"):
        animated([Frame(PICTURE.read_bytes(), 0, 0, 300), Frame(BLANK.replace(b"\x08\x02", b"\x08\x06", 1), 0, 0, 1)])
