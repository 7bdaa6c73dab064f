"""What the developer tools' panel says of a driver: who is signed in, for how long, what was asked. No elements."""

from .timeline import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .driver import Driver
    from .timeline import Timeline

FACTS = (  # name, title, whether it takes two columns
    ("state", "State", True),
    ("reason", "Reason", False),
    ("expires", "Ends in", False),
    ("idle", "Idle in", False),
    ("lock", "Lock held by", False),
    ("asked", "Last asked", True),
    ("came", "What came", True),
    ("error", "Error", True),
)


def facts(driver: "Driver", timeline: "Timeline") -> "dict[str, str]":
    """By name."""
    machine, now = driver.machine, driver.host.now()
    status = str(driver.store.value.status)
    if machine.view.session is not None:
        status += ": " + name_of(machine.view.session)
    asked, error, left = timeline.asked, machine.view.error, machine.view.seconds_left(now)
    asked_ago = came = "–"
    if asked is not None:
        asked_ago = f"{_duration(int(now - asked.at))} ago: {asked.why}"
        came = "given up" if asked.came is None else f"{asked.came}, after {asked.took:.2f} s"
        if asked.number in machine.in_flight:
            came = "nothing yet"
    return {
        "state": status,
        "reason": str(machine.view.reason or "–"),
        "expires": "–" if left is None else _duration(left),
        "idle": _idle_in(driver, timeline, now),
        "lock": timeline.lock,
        "asked": asked_ago,
        "came": came,
        "error": "–" if error is None else f"{error.code}: {error.message}",
    }


def _idle_in(driver: "Driver", timeline: "Timeline", now: float) -> str:
    machine = driver.machine
    timeout = machine.options.idle_timeout
    if not timeout:
        return "off"
    if machine.view.session is None:
        return "–"
    left = machine.idle.seconds_left(now)
    if left is not None:
        return _duration(left)
    used_at = max(timeline.used_at, (driver.host.stored_use() or 0) / 1000)
    if used_at + timeout <= now:  # nobody knows here
        return "more than " + _duration(int(machine.options.idle_warning))
    return _duration(int(used_at + timeout - now))


def _duration(seconds: int) -> str:
    """`59 s`, `4:05`, `3:04:05` or `29 days 3:04:05`."""
    if seconds < 60:
        return f"{max(0, seconds)} s"
    minutes, hours = seconds // 60 % 60, seconds // 3600 % 24
    text = f"{hours}:{minutes:02d}" if seconds >= 3600 else str(minutes)
    days = seconds // 86400
    return (f"{days} day{'s' if days > 1 else ''} " if days else "") + f"{text}:{seconds % 60:02d}"
