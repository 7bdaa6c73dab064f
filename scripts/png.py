"""Pictures as the chunks that PNG is made of: a text in one, and an animation out of several.

Pixels stay as they are: nothing is decoded.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Frame(NamedTuple):
    """A PNG that covers a part of the picture, from a corner in pixels, for so many milliseconds."""

    png: bytes
    left: int
    top: int
    milliseconds: int


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def text_in(png: bytes, keyword: str) -> str | None:
    for kind, data in chunks(png):
        name, _, text = data.partition(b"\0")
        if kind == b"tEXt" and name == keyword.encode():
            return text.decode("latin-1")
    return None


def with_text(png: bytes, keyword: str, text: str) -> bytes:
    """The PNG with a text before its end."""
    end = _chunk(b"IEND", b"")
    return png.removesuffix(end) + _chunk(b"tEXt", keyword.encode() + b"\0" + text.encode("latin-1")) + end


def animated(frames: Sequence[Frame]) -> bytes:
    """An animated PNG that is played once; its first frame is the whole picture, which others than browsers show."""
    headers = [next(data for kind, data in chunks(frame.png) if kind == b"IHDR") for frame in frames]
    if len({header[8:] for header in headers}) > 1:
        raise ValueError("the frames differ in their kind of colours")
    made = [_chunk(b"IHDR", headers[0]), _chunk(b"acTL", struct.pack(">II", len(frames), 1))]
    number = 0
    for frame, header in zip(frames, headers, strict=True):
        place = struct.pack(">II", frame.left, frame.top)
        shown = struct.pack(">HHBB", frame.milliseconds, 1000, 0, 0)  # and left there, for the next to cover
        made.append(_chunk(b"fcTL", struct.pack(">I", number) + header[:8] + place + shown))
        number += 1
        for kind, data in chunks(frame.png):
            if kind == b"IDAT" and frame is frames[0]:
                made.append(_chunk(b"IDAT", data))
            elif kind == b"IDAT":
                made.append(_chunk(b"fdAT", struct.pack(">I", number) + data))
                number += 1
    return SIGNATURE + b"".join(made) + _chunk(b"IEND", b"")


def milliseconds_of(png: bytes) -> list[int]:
    """How long each frame of an animation is shown."""
    times = [struct.unpack(">HH", data[20:24]) for kind, data in chunks(png) if kind == b"fcTL"]
    return [1000 * numerator // denominator for numerator, denominator in times]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
