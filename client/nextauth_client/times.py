"""The two ways the wire writes a moment, as Unix seconds. Written out because MicroPython cannot parse either."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, TypeGuard

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def parse_iso(text: object) -> "Optional[float]":
    """`2026-12-23T13:41:00.000Z` (or with an offset such as `+02:00`) as Unix seconds; `None` for anything else.

    A time that names no offset is anything else: a browser would take it for the reader's own clock.
    """
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        day, _, clock = text.strip().replace("t", "T").partition("T")
        year, month, date = [_number(part) for part in day.split("-")]
        offset = 0
        if clock.endswith("Z") or clock.endswith("z"):
            clock = clock[:-1]
        else:
            sign = "+" if "+" in clock else "-"
            clock, _, zone = clock.partition(sign)
            hours, _, minutes = zone.partition(":")
            offset = _number(hours) * 3600 + _number(minutes or "0") * 60
            if offset > 86400:
                return None
            if sign == "-":
                offset = -offset
        hour, minute, second = clock.split(":")
        whole, _, fraction = second.partition(".")
        return (
            _seconds(year, month, date, _number(hour), _number(minute), _number(whole))
            + _number(fraction or "0") / float("1" + "0" * len(fraction))
            - offset
        )
    except ValueError:
        return None


def parse_http_date(text: object) -> "Optional[float]":
    """`Mon, 23 Nov 2026 13:41:00 GMT` (the `Date` header) as Unix seconds; `None` for anything else."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        _, day, month, year, clock, zone = text.split()
        if zone != "GMT":
            return None
        hour, minute, second = clock.split(":")
        return _seconds(
            _number(year),
            _MONTHS.index(month.lower()) + 1,
            _number(day),
            _number(hour),
            _number(minute),
            _number(second),
        )
    except ValueError:
        return None


def is_count(text: object) -> "TypeGuard[str]":
    """Whether `int` reads it as a whole number that is none too large; `isdigit()` takes the digits of every script."""
    return isinstance(text, str) and 0 < len(text) <= 17 and all(char in "0123456789" for char in text)


def _number(text: str) -> int:
    if not is_count(text):
        raise ValueError(text)
    return int(text)


def _seconds(year: int, month: int, day: int, hour: int, minute: int, second: int) -> float:
    if not (
        1970 <= year <= 275760 and 1 <= month <= 12 and 1 <= day <= 31 and hour <= 24 and minute <= 59 and second <= 60
    ):
        raise ValueError("no such time")
    # Days since 1970-01-01 in the proleptic Gregorian calendar, with the year beginning in March.
    if month <= 2:
        year -= 1
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
    return float(days * 86400 + hour * 3600 + minute * 60 + second)
