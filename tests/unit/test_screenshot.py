from __future__ import annotations

from scripts.screenshots import PICTURE, digest_in, digest_of_sources, with_digest


def test_the_picture_in_the_readme_shows_the_demo_as_it_is() -> None:
    assert digest_in(PICTURE.read_bytes()) == digest_of_sources(), "type `make docs`, and look at the new picture"


def test_a_digest_replaced_in_a_picture_is_the_one_that_is_read() -> None:
    blank = PICTURE.read_bytes()[:33] + b"\0\0\0\0IEND\xaeB`\x82"
    assert digest_in(blank) is None
    assert digest_in(with_digest(blank, "abc")) == "abc"
