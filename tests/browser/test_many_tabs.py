"""What any number of tabs ask of the backend between them, and how fast they follow each other."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from tests.browser.following import HTML, Bystander, all_show, following, open_together, press, session_queries
from tests.support.backend import Backend
from tests.support.engines import Engine, expect
from tests.support.tabs import Tab, Tabs, contract, micropython_only, pyodide_only

BURST = 1.0  # seconds; focus events within it count as one
RETRY = 0.5  # seconds; a tab that found the lock taken looks again within it
PERIOD = 2  # seconds between two queries of keep_alive
# A busy machine may bring a trigger to one tab so much later than to another that it counts as a second one: what
# happens only now and then is no request too many.
MORE_TRIES = 3
PAGE = following(again=f"keep_alive={PERIOD}")

# The requests for the session, of all tabs together, that each of these costs.
COSTS = {
    "get_session()": 1,
    "focus": 1,
    "focus everywhere": 1,
    "v4 message": 1,
    "v5 message": 1,
    "sign_out": 0,
    "sign_out in all": 2,  # the CSRF token and the POST
    "sign_in": 1,
    "keep_alive period": 1,
}


class Group:
    """Tabs that are counted together."""

    def __init__(self, tabs: Tabs, opened: list[Tab], bystander: Bystander) -> None:
        self.backend = tabs.backend
        self.opened = opened
        self.bystander = bystander
        self._counted = 0
        self._names = 0

    def cost(self) -> int:
        """How often the session was asked for since the last call, once no more requests come."""
        before, self._counted = self._counted, self.bystander.until_quiet(RETRY)
        return self._counted - before

    def cost_of_learning(self, trigger: Callable[[], None]) -> int:
        """Change the backend's answer, pull the trigger, wait until every tab shows it, and count."""
        self._names += 1
        name = f"Ada the {self._names}."
        self.backend.rename(name)
        trigger()
        all_show(self.opened, who=name, status="authenticated")
        return self.cost()

    def cost_of_ticking(self, periods: int) -> int:
        """What keep_alive asks in the cheapest of so many periods: a busy machine asks too late and too early."""
        self.bystander.everywhere("again")
        for tab in self.opened:
            expect(tab.element("done")).to_have_text(re.compile("again$"))
        start = time.time()

        def ticks() -> list[float]:
            return [entry["time"] for entry in session_queries(self.backend) if entry["time"] > start]

        self.bystander.until(lambda: ticks() and ticks()[-1] > start + PERIOD * periods)
        asked = ticks()
        whole = [first for first in asked if first + PERIOD < asked[-1]]
        return min(len([tick for tick in asked if 0 <= tick - first < 0.9 * PERIOD]) for first in whole)


def drive(tabs: Tabs, opened: list[Tab], costs: dict[str, int]) -> dict[str, int]:
    """One life of these tabs, and what each step of it has cost; only steps that stand in `costs` are taken."""
    backend = tabs.backend
    first, last = opened[0], opened[-1]
    figures: dict[str, int] = {}
    with Bystander(tabs) as bystander:
        group = Group(tabs, opened, bystander)
        triggers: dict[str, Callable[[], None]] = {
            "get_session()": lambda: press(first, "ask"),
            "focus": lambda: last.page.evaluate("dispatchEvent(new Event('focus'))"),
            "focus everywhere": lambda: bystander.everywhere("focus"),
            "v4 message": bystander.send_as_v4,
            "v5 message": bystander.send_as_v5,
        }
        all_show(opened, status="unauthenticated")
        figures["opening"] = group.cost()
        backend.sign_in(tabs.context)
        for name, trigger in triggers.items():
            if name in costs:
                bystander.until_quiet(BURST if "focus" in name else 0)
                figures[name] = group.cost_of_learning(trigger)
                for _ in range(MORE_TRIES):
                    if figures[name] > costs[name]:
                        bystander.until_quiet(BURST if "focus" in name else 0)
                        figures[name] = min(figures[name], group.cost_of_learning(trigger))
        everything = len(backend.log())
        press(last, "sign-out")
        all_show(opened, status="unauthenticated", who="nobody")
        figures["sign_out"] = group.cost()
        figures["sign_out in all"] = len(backend.log()) - everything
        press(first, "sign-in")
        all_show(opened, status="authenticated")
        figures["sign_in"] = group.cost()
        if "keep_alive period" in costs:
            figures["keep_alive period"] = group.cost_of_ticking(3)
    print(f"\n{len(opened)} tabs, {tabs.interpreter}: {figures}")
    return figures


@pytest.mark.parametrize(
    ("interpreter", "count"),
    [
        pytest.param("micropython", 1, marks=contract),
        ("micropython", 2),
        pytest.param("micropython", 5, marks=contract),
        ("micropython", 10),
        ("micropython", 20),
        pytest.param("pyodide", 1, marks=contract),
        ("pyodide", 2),
        ("pyodide", 8),  # twenty are all the load that a machine can bear, and those of both interpreters are below
    ],
    indirect=["interpreter"],
)
def test_one_request_serves_any_number_of_tabs(tabs: Tabs, count: int, engine: Engine) -> None:
    figures = drive(tabs, open_together(tabs, count, PAGE), COSTS)
    # A page that opens in front takes the focus from another, which asks.
    assert figures.pop("opening") <= count + (count - 1 if engine.opens_in_front else 0)
    assert figures == COSTS


# A tab that is busy hears of a change long after the others, and that they have asked about it later still.
BUSY = """
import js
js.Function.new("addEventListener('storage', event => {{"
    "const end = performance.now() + {milliseconds};"
    "if (event.key === 'nextauth.message') while (performance.now() < end);"
"}})")()
"""
BUSY_FOR = (0, 150, 400)  # milliseconds


@pytest.mark.parametrize(
    ("interpreter", "count"),
    [("micropython", 20), ("pyodide", 8)],  # twenty of Pyodide are themselves all the load that a machine can bear
    indirect=["interpreter"],
)
def test_one_v4_message_costs_one_request_at_any_load(tabs: Tabs, backend: Backend, count: int) -> None:
    backend.sign_in(tabs.context)
    opened = []
    for number, milliseconds in enumerate(BUSY_FOR):
        share = count // len(BUSY_FOR) + (number < count % len(BUSY_FOR))
        # Before the client listens, so that it hears of a message when that is over.
        opened += open_together(tabs, share, BUSY.format(milliseconds=milliseconds) + PAGE)
    for tab in opened[::4]:
        tabs.context.new_cdp_session(tab.page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
    all_show(opened, status="authenticated")
    with Bystander(tabs) as bystander:
        group = Group(tabs, opened, bystander)
        group.cost()
        costs = [group.cost_of_learning(bystander.send_as_v4) for _ in range(3)]
    assert costs == [1, 1, 1]


@pyodide_only
def test_one_request_serves_twenty_tabs_of_both_interpreters(tabs: Tabs, backend: Backend) -> None:
    with Tabs(tabs.context, tabs.site, backend, "micropython", None) as others:
        opened = [*open_together(tabs, 2, PAGE), *open_together(others, 18, PAGE)]
        figures = drive(tabs, opened, COSTS)
    assert figures.pop("opening") <= 20
    assert figures == COSTS


@micropython_only
@pytest.mark.parametrize(
    "lacking",
    [
        ["Navigator.prototype.locks"],
        ["window.BroadcastChannel"],
        ["Navigator.prototype.locks", "window.BroadcastChannel"],
    ],
    ids=["locks", "channel", "both"],
)
def test_without_locks_or_channel_every_tab_follows_with_one_request_of_its_own_at_most(
    tabs: Tabs, lacking: list[str]
) -> None:
    count = 3
    # By the page: PyScript itself does not start without channels.
    without = "import js\n"
    for owner, name in (path.rsplit(".", 1) for path in lacking):
        without += f"js.Reflect.deleteProperty(js.{owner}, '{name}')\n"
    costs = {name: count for name in COSTS if name != "keep_alive period"}
    costs["sign_out in all"] = COSTS["sign_out in all"] + count
    if "window.BroadcastChannel" in lacking:
        del costs["v5 message"], costs["focus"]  # the one cannot be heard, the other concerns one tab
    figures = drive(tabs, open_together(tabs, count, without + PAGE), costs)
    assert figures.pop("opening") <= count
    assert [name for name, cost in figures.items() if cost > costs[name]] == []


NOTE_ANSWER = """
() => {
    const [answer] = performance.getEntriesByType("resource").filter(one => one.name.endsWith("/signout")).slice(-1);
    return performance.timeOrigin + answer.responseEnd;
}
"""
NOTE_CHANGE = """
() => new MutationObserver(() => window.changed = performance.timeOrigin + performance.now())
    .observe(document.getElementById("status"), { childList: true, characterData: true, subtree: true })
"""


def test_another_tab_shows_a_sign_out_as_soon_as_the_backend_has_answered(tabs: Tabs, backend: Backend) -> None:
    one, other = opened = [tabs.python(following(), html=HTML) for _ in range(2)]
    other.page.evaluate(NOTE_CHANGE)
    for endpoint in ("session", "csrf", "signout"):
        backend.latency(endpoint, 0.05)
    delays: list[float] = []
    # A busy machine makes one time or another slow. A tab that waits for something would be slow each time.
    while (not delays or min(delays) > 20) and len(delays) < 50:
        backend.sign_in(tabs.context)
        press(one, "ask")
        all_show(opened, status="authenticated")
        press(one, "sign-out")
        all_show(opened, status="unauthenticated")
        delays.append(other.page.evaluate("changed") - one.page.evaluate(NOTE_ANSWER))
    print(f"\n{tabs.interpreter}: the other tab shows a sign-out so many ms after its answer: {delays}")
    assert min(delays) <= 20
    assert other.requests("session")[1:] == []
