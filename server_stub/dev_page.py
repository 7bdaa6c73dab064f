"""``/dev``: the development controls for people, as forms that work without JavaScript."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from html import escape

from .pages import page

MOST_LINES = 50  # of the log


def controls_page(
    *,
    base_path: str,
    endpoints: Iterable[str],
    faults: Iterable[str],
    state: Sequence[tuple[str, str]],
    log: Sequence[tuple[float, str, str, int | None]],
    done: bool,
) -> str:
    """``state`` is what is set now, as names and values; ``log`` has time, method, path and status."""
    said = '<p class="done" role="status">Done.</p>' if done else ""
    now = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in state)
    path = _choice("path", "Endpoint", [(name, name) for name in endpoints])
    kinds = [("", "none"), *((fault, fault) for fault in faults)]
    moments = [("before", "before the request is handled"), ("after", "before the answer is sent")]
    forms = [
        _form(
            "fault",
            "Answer with an error",
            "Set error",
            path,
            _choice("kind", "Error", kinds),
            _number("times", "How many times (empty: until changed)"),
        ),
        _form(
            "latency",
            "Delay answers",
            "Set delay",
            path,
            _number("seconds", "Seconds", required=True),
            _choice("when", "Wait", moments),
        ),
        _form(
            "session-length",
            "Lifetime of new sessions",
            "Set lifetime",
            _number("seconds", "Seconds", required=True),
        ),
        _form("user", "Change the signed-in user", "Change user", _text("name", "Name"), _text("email", "E-mail")),
        _form("revoke", "Sign everybody out on the server", "Revoke all sessions"),
        _form("reset", "Undo all of this and empty the log", "Reset"),
    ]
    return page(
        "Development controls",
        base_path,
        f"""{said}<dl>{now}</dl>
<div class="forms">{"".join(forms)}</div>
{_log(log)}""",
        wide=True,
    )


def _form(command: str, title: str, button: str, *fields: str) -> str:
    # The same labels are in several forms: an id has the form's name in it.
    inside = "".join(fields).replace("ID-", f"{command}-")
    return (
        f'<form method="post" action="/dev/{command}"><fieldset><legend>{escape(title)}</legend>'
        f"{inside}<button>{escape(button)}</button></fieldset></form>"
    )


def _choice(name: str, label: str, choices: Iterable[tuple[str, str]]) -> str:
    """``choices`` are values and what people read."""
    options = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in choices)
    return f'<label for="ID-{name}">{label}</label><select id="ID-{name}" name="{name}">{options}</select>'


def _number(name: str, label: str, required: bool = False) -> str:
    return _input(name, label, f'type="number" min="0" step="any"{" required" if required else ""}')


def _text(name: str, label: str) -> str:
    return _input(name, label, 'autocomplete="off"')


def _input(name: str, label: str, attributes: str) -> str:
    return f'<label for="ID-{name}">{label}</label><input id="ID-{name}" name="{name}" {attributes}>'


def _log(log: Sequence[tuple[float, str, str, int | None]]) -> str:
    rows = "".join(
        f"<tr><td>{datetime.fromtimestamp(time, timezone.utc):%H:%M:%S}</td><td>{escape(method)}</td>"
        f"<td>{escape(path)}</td><td>{status or 'no answer'}</td></tr>"
        for time, method, path, status in list(log)[: -MOST_LINES - 1 : -1]
    )
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Time (UTC)", "Method", "Path", "Status"))
    return (
        '<div class="log" role="region" aria-label="Recent requests" tabindex="0">'
        f"<table><caption>Recent requests</caption><tr>{heads}</tr>{rows}</table></div>"
    )
