"""JSON as text: read so that every interpreter gives the same values, checked before it is written. Knows no wire."""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DEEPEST = 200  # levels of JSON
_HIGH, _LOW, _PLANES = 0xD800, 0xDC00, 0x10000  # how UTF-16 writes a character above U+FFFF in two halves


def parse_json(text: str) -> "Any":
    """The value of a JSON text, in which every string can be written as UTF-8. Raises `ValueError`.

    MicroPython reads an emoji that is escaped (as two halves) as two characters that no page can show; and half of one
    is no character anywhere.
    """
    if _is_deeper_than(_DEEPEST, text):
        raise ValueError("JSON nested too deep")
    data = json.loads(text)
    return _with_whole_characters(data) if "\\ud" in text or "\\uD" in text else data


def _is_deeper_than(most: int, text: str) -> bool:
    """Found before it is read: some thousand levels end Pyodide for good, with no exception to catch."""
    if text.count("[") + text.count("{") <= most:
        return False
    depth = 0
    in_string = False
    for part in text.split('"'):
        if in_string:
            in_string = (len(part) - len(part.rstrip("\\"))) % 2 == 1  # it goes on after an escaped quote
            continue
        for char in part:
            if char in "[{":
                depth += 1
                if depth > most:
                    return True
            elif char in "]}":
                depth -= 1
        in_string = True
    return False


def _with_whole_characters(value: "Any") -> "Any":
    if isinstance(value, dict):
        return {_with_whole_characters(key): _with_whole_characters(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_whole_characters(item) for item in value]
    if not isinstance(value, str):
        return value
    out: "list[str]" = []
    high = 0
    for char in value:
        code = ord(char)
        if high and _LOW <= code < _LOW + 0x400:
            out[-1] = chr(_PLANES + ((high - _HIGH) << 10) + (code - _LOW))
            high = 0
            continue
        high = code if _HIGH <= code < _LOW else 0
        out.append("\ufffd" if _HIGH <= code < _LOW + 0x400 else char)
    return "".join(out)


def keys_in_order(text: str) -> "list[str]":
    """The keys of a JSON object of objects as its text has them: MicroPython's dicts do not keep order."""
    keys = []
    depth, start, escaped = 0, -1, False
    for i, char in enumerate(text):
        if start >= 0:  # inside a string
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                if depth == 1:
                    keys.append(parse_json(text[start : i + 1]))
                start = -1
        elif char == '"':
            start = i
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
    return keys


def check_plain(data: "Any") -> None:
    """Raises `TypeError` or `ValueError` for what JSON cannot say: json itself says it too late, or writes nonsense."""
    if isinstance(data, dict):
        for key, value in data.items():
            if not isinstance(key, str):
                raise TypeError(f"a key of JSON is a text, not {key!r}")
            check_plain(value)
    elif isinstance(data, (list, tuple)):
        for value in data:
            check_plain(value)
    elif isinstance(data, float) and (data != data or data in (float("inf"), float("-inf"))):
        raise ValueError(f"JSON has no {data!r}")
    elif not (data is None or isinstance(data, (str, bool, int, float))):
        raise TypeError(f"plain data is wanted (dict, list, text, number, None), not {type(data).__name__}")
