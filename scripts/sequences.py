"""Sequence diagrams in Mermaid's words, which GitHub draws, drawn for the docs' site, which loads no Mermaid.

Of its words there are those that the docs use: participants, messages (`->>`, `-->>`, `--x`), and notes over one
participant or two. Anything else raises a `ValueError`.
"""

from __future__ import annotations

import re
import textwrap
from html import escape
from typing import Any

WIDTH, MARGIN = 720, 70  # pixels; of the margin, what lies outside of the first and the last column
LINE = 15  # pixels from one line of a text to the next
LETTER = 6.4  # pixels that one takes, about
NOTE = 200  # pixels that a note over one participant takes at most

PARTICIPANT = re.compile(r"participant (\w+) as (.+)")
MESSAGE = re.compile(r"(\w+)(->>|-->>|--x)(\w+): (.+)")
OVER = re.compile(r"Note over (\w+)(?:,(\w+))?: (.+)")


def draw(source: str, language: str = "", css_class: str = "", options: Any = None, md: Any = None, **more: Any) -> str:
    """The diagram as HTML; called by the Markdown extension that finds the blocks."""
    first, *lines = (line.strip() for line in source.strip().splitlines())
    if first != "sequenceDiagram":
        raise ValueError(f"only sequence diagrams can be drawn, and this begins with {first!r}")
    names: dict[str, str] = {}
    while lines and (found := PARTICIPANT.fullmatch(lines[0])):
        names[found[1]] = found[2]
        del lines[0]
    step = (WIDTH - 2 * MARGIN) / (len(names) - 1)
    at = {name: MARGIN + step * number for number, name in enumerate(names)}
    drawn, told, y = [], [], 40.0
    for line in lines:
        if found := MESSAGE.fullmatch(line):
            start, arrow, end, text = found.groups()
            told.append(f"{names[start]} to {names[end]}: {text}")
            part, y = _message(at[start], at[end], arrow, text, y)
        elif found := OVER.fullmatch(line):
            start, end, text = found[1], found[2] or found[1], found[3]
            told.append(text)
            part, y = _note(at[start], at[end], text, y)
        else:
            raise ValueError(f"what is that in a sequence diagram: {line!r}")
        drawn.append(part)
    columns = [
        f'<path class="life" d="M{x:.0f} 30V{y:.0f}"/>{_text([names[name]], x, 20, "who")}' for name, x in at.items()
    ]
    label = escape("Sequence. " + ". ".join(told) + ".")
    return (
        f'<div class="sequence" role="img" tabindex="0" aria-label="{label}">'
        f'<svg viewBox="0 0 {WIDTH} {y + 8:.0f}" aria-hidden="true">{"".join(columns + drawn)}</svg></div>'
    )


def _message(start: float, end: float, arrow: str, text: str, y: float) -> tuple[str, float]:
    lines = textwrap.wrap(text, int((abs(end - start) - 16) / LETTER))
    y += LINE * len(lines) + 8
    to = 1 if end > start else -1
    tip = f"m{-6 * to} -4l{6 * to} 4l{-6 * to} 4" if arrow != "--x" else "m-4 -4l8 8m0 -8l-8 8"
    style = ' class="back"' if arrow.startswith("--") else ""
    words = _text(lines, (start + end) / 2, y - 6 - LINE * (len(lines) - 1))
    return f'<path{style} d="M{start:.0f} {y:.0f}H{end:.0f}"/><path d="M{end:.0f} {y:.0f}{tip}"/>{words}', y + 4


def _note(start: float, end: float, text: str, y: float) -> tuple[str, float]:
    most = max(NOTE, abs(end - start) + 60)
    lines = textwrap.wrap(text, int((most - 16) / LETTER))
    width = LETTER * max(map(len, lines)) + 24
    middle = min(max((start + end) / 2, width / 2 + 2), WIDTH - width / 2 - 2)
    height = LINE * len(lines) + 8
    box = f'<rect x="{middle - width / 2:.0f}" y="{y + 8:.0f}" width="{width:.0f}" height="{height}" rx="4"/>'
    return box + _text(lines, middle, y + 8 + LINE), y + height + 8


def _text(lines: list[str], x: float, y: float, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    spans = [
        f'<tspan x="{x:.0f}" y="{y + LINE * number:.0f}">{escape(line)}</tspan>' for number, line in enumerate(lines)
    ]
    return f"<text{style}>{''.join(spans)}</text>"
