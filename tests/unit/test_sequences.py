"""The drawings of the docs' site."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree

import pytest

from scripts.sequences import LETTER, WIDTH, draw
from scripts.steps import ROOT

DIAGRAMS = re.findall(r"^```mermaid\n(.*?)^```$", (ROOT / "docs" / "synchroniser.md").read_text("utf-8"), re.M | re.S)
SMALL = """
sequenceDiagram
    participant A as tab A
    participant B as the backend
"""


def test_the_page_has_three() -> None:
    assert len(DIAGRAMS) == 3


@pytest.mark.parametrize("source", DIAGRAMS)
def test_all_words_of_a_diagram_are_in_the_drawing_and_told(source: str) -> None:
    drawing = draw(source)
    svg = ElementTree.fromstring(drawing)
    seen = " ".join(" ".join(part.itertext()) for text in svg.iter("text") for part in text)
    for text in re.findall(r"(?: as |: )(.+)", source):
        assert text in seen
    [told] = re.findall(r'aria-label="([^"]+)"', drawing)
    for text in re.findall(r": (.+)", source):
        assert text in unescape(told)


@pytest.mark.parametrize("source", DIAGRAMS)
def test_nothing_is_drawn_beside_the_drawing(source: str) -> None:
    for line in ElementTree.fromstring(draw(source)).iter("tspan"):
        half = LETTER * len(line.text or "") / 2
        assert half <= float(line.attrib["x"]) <= WIDTH - half


def test_arrows_lead_from_one_to_the_other_answers_are_dashed_and_what_is_lost_ends_in_a_cross() -> None:
    drawing = draw(SMALL + "A->>B: ask\nB-->>A: answer\nB--xA: lost")
    there, back, lost = re.findall(r'<path( class="back")? d="M(\d+) \d+H(\d+)"/><path d="M\d+ \d+([^"]+)"', drawing)
    assert (there[0], back[0], lost[0]) == ("", ' class="back"', ' class="back"')
    assert there[1:3] == back[2:0:-1] == lost[2:0:-1]
    assert there[3] != back[3] != lost[3] and "m0 -8l-8 8" in lost[3]


@pytest.mark.parametrize(("source", "named"), [("flowchart LR", "flowchart"), (SMALL + "loop always", "loop always")])
def test_what_cannot_be_drawn_is_named(source: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        draw(source)
