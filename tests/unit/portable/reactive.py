"""What effects promise, in every interpreter."""

import asyncio

from nextauth_client import reactive as module
from nextauth_client.reactive import effect, is_tracking, tracked
from nextauth_client.session import Session, SessionState
from nextauth_client.store import Store

from .helpers import Replaced, Reports, turns


def state(name="Ada", **more):
    session = {"user": {"name": name, "email": name + "@example.org"}, "expires": "2026-12-23T13:41:00.000Z"}
    session.update(more)
    return SessionState(session)


def signed_in(name="Ada", **more):
    return Store(state(name, **more))


def test_an_effect_runs_at_once_and_when_what_it_read_changes():
    store = signed_in("Ada")
    seen = []
    effect(lambda: seen.append(tracked(store, Session).session.user.name))
    assert seen == ["Ada"]
    store.replace(state("Eve"))
    assert seen == ["Ada", "Eve"]


def test_what_it_did_not_read_runs_nobody():
    store = signed_in("Ada")
    seen = []
    effect(lambda: seen.append(tracked(store, Session).session.user.name))
    store.replace(state("Ada", expires="later", accessToken="x"))
    store.replace(SessionState(store.value.at(("session",), True), refreshing=True))
    assert seen == ["Ada"]


def test_the_truth_of_a_session_is_only_presence():
    store = signed_in("Ada")
    seen = []

    def follow():
        session, loading = tracked(store, Session)
        seen.append((bool(session), loading))

    effect(follow)
    store.replace(state("Eve"))
    assert seen == [(True, False)]
    store.replace(SessionState())
    store.replace(SessionState(loading=True))
    assert seen == [(True, False), (False, False), (False, True)]


def test_a_name_that_comes_later_is_followed_too():
    store = signed_in()
    seen = []
    effect(lambda: seen.append(tracked(store, Session).session.get("role")))
    store.replace(state(role="admin"))
    store.replace(state())
    assert seen == [None, "admin", None]


def test_whether_a_name_is_there_is_followed_and_not_what_it_holds():
    store = signed_in()
    seen = []
    effect(lambda: seen.append("role" in tracked(store, Session).session))
    for more in ({"role": "admin"}, {"role": "guest"}, {}, {"role": None}, {"role": None}):
        store.replace(state(**more))
    assert seen == [False, True, False, True]


def test_a_state_that_is_shown_is_followed():
    store = signed_in("Ada")
    seen = []
    effect(lambda: seen.append(repr(tracked(store, Session))))
    store.replace(state("Eve"))
    assert "Ada" in seen[0]
    assert "Eve" in seen[1]


def test_only_the_last_run_counts():
    store = signed_in("Ada", show=True)
    seen = []

    def follow():
        session = tracked(store, Session).session
        seen.append(session.user.name if session.show else "hidden")

    effect(follow)
    store.replace(state("Ada", show=False))
    store.replace(state("Eve", show=False))
    assert seen == ["Ada", "hidden"]
    store.replace(state("Eve", show=True))
    assert seen == ["Ada", "hidden", "Eve"]


def test_many_changes_at_once_are_one_run():
    store = signed_in("Ada")
    seen = []

    def follow():
        now = tracked(store, Session)
        seen.append((now.status, now.session and (now.session.user.name, now.session.user.email, now.session.expires)))

    effect(follow)
    store.replace(state("Eve", expires="later"))
    assert len(seen) == 2


def test_reading_twice_is_one_run():
    store = signed_in("Ada")
    seen = []
    effect(lambda: seen.append([tracked(store, Session).session.user.name for _ in range(3)]))
    store.replace(state("Eve"))
    assert len(seen) == 2


def test_two_stores_are_followed_by_one_effect():
    one, other = signed_in("Ada"), signed_in("Bob")
    seen = []

    def follow():
        seen.append(tracked(one, Session).session.user.name + tracked(other, Session).session.user.name)

    handle = effect(follow)
    one.replace(state("Eve"))
    other.replace(state("Dan"))
    assert seen == ["AdaBob", "EveBob", "EveDan"]
    handle.dispose()
    one.replace(state("Ada"))
    other.replace(state("Bob"))
    assert len(seen) == 3


def test_disposing_ends_an_effect():
    store = signed_in("Ada")
    seen = []
    handle = effect(lambda: seen.append(tracked(store, Session).session.user.name))
    handle.dispose()
    handle.dispose()
    store.replace(state("Eve"))
    assert seen == ["Ada"]


def test_outside_an_effect_a_read_is_a_snapshot():
    store = signed_in("Ada")
    now = tracked(store, Session)
    store.replace(state("Eve"))
    assert now.session.user.name == "Ada"
    assert not is_tracking()


def test_a_read_after_the_run_is_not_followed():
    store = signed_in("Ada")
    runs = []
    kept = []

    def follow():
        runs.append(is_tracking())
        kept.append(tracked(store, Session))

    effect(follow)
    assert kept[0].session.user.name == "Ada"
    store.replace(state("Eve"))
    assert runs == [True]


def test_an_inner_effect_follows_what_it_reads_of_the_state_that_an_outer_one_was_given():
    store = signed_in("Ada")
    seen = []

    def outer():
        now = tracked(store, Session)
        effect(lambda: effect(lambda: seen.append(now.session.user.name)))

    handle = effect(outer)
    store.replace(state("Eve"))
    assert seen == ["Ada", "Eve"]
    store.replace(state("Eve", expires="later"))
    assert seen == ["Ada", "Eve"]
    handle.dispose()
    store.replace(state("Dan"))
    assert seen == ["Ada", "Eve"]


def test_an_inner_effect_that_comes_to_read_an_outdated_state_gets_the_newest():
    store = signed_in("Ada")
    seen = []

    def outer():
        now = tracked(store, Session)
        effect(lambda: seen.append(now.session.user.name if tracked(store, Session).session.get("show") else "hidden"))

    effect(outer)
    store.replace(state("Eve"))
    store.replace(state("Eve", show=True))
    assert seen[0] == "hidden"
    assert seen[-1] == "Eve"


def test_the_outer_effect_runs_first_even_if_the_inner_one_read_first():
    store = signed_in("Ada")
    seen = []

    def outer():
        effect(lambda: seen.append(("inner", tracked(store, Session).session.user.name)))
        seen.append(("outer", tracked(store, Session).session.user.name))

    effect(outer)
    store.replace(state("Eve"))
    assert seen == [("inner", "Ada"), ("outer", "Ada"), ("inner", "Eve"), ("outer", "Eve")]


def test_a_new_run_disposes_what_the_run_before_made():
    store = signed_in("Ada")
    seen = []

    def outer():
        name = tracked(store, Session).session.user.name

        def inner():
            seen.append((name, tracked(store, Session).session.user.email))

        effect(inner)

    handle = effect(outer)
    store.replace(state("Eve"))
    assert seen == [("Ada", "Ada@example.org"), ("Eve", "Eve@example.org")]
    handle.dispose()
    store.replace(state("Ada"))
    assert len(seen) == 2


def test_an_inner_effect_runs_alone():
    store = signed_in("Ada")
    runs = []

    def outer():
        runs.append("outer")
        tracked(store, Session).status  # noqa: B018
        effect(lambda: runs.append(tracked(store, Session).session.user.name))

    effect(outer)
    store.replace(state("Eve"))
    assert runs == ["outer", "Ada", "Eve"]


def test_an_effect_that_raises_stops_nobody_and_runs_again():
    store = signed_in("Ada")
    seen = []

    def broken():
        name = tracked(store, Session).session.user.name
        if name == "Eve":
            raise ValueError("on purpose")
        seen.append(("broken", name))

    with Replaced(module, "report", Reports()) as reports:
        effect(broken)
        effect(lambda: seen.append(tracked(store, Session).session.user.name))
        store.replace(state("Eve"))
        assert reports.told == [("effect broken", "on purpose")]
        store.replace(state("Dan"))
    assert seen == [("broken", "Ada"), "Ada", "Eve", ("broken", "Dan"), "Dan"]
    assert len(reports.told) == 1


def test_an_effect_that_raises_before_it_reads_still_runs_again():
    store = signed_in("Ada")
    seen = []
    broken = []

    def follow():
        if broken:
            raise ValueError("on purpose")
        seen.append(tracked(store, Session).session.user.name)

    effect(follow)
    broken.append(True)
    with Replaced(module, "report", Reports()) as reports:
        store.replace(state("Eve"))
        broken.clear()
        store.replace(state("Dan"))
    assert seen == ["Ada", "Dan"]
    assert len(reports.told) == 1


def test_an_effect_that_raises_at_once_leaves_tracking():
    with Replaced(module, "report", Reports()) as reports:
        effect(lambda: 1 / 0)
    assert len(reports.told) == 1
    assert not is_tracking()


def test_an_effect_can_dispose_itself_during_its_run():
    store = signed_in("Ada")
    seen = []
    handles = []

    def follow():
        seen.append(tracked(store, Session).session.user.name)
        if handles:
            handles[0].dispose()
            effect(lambda: seen.append(("inner", tracked(store, Session).session.user.name)))
            tracked(store, Session).session.user.email  # noqa: B018

    handles.append(effect(follow))
    store.replace(state("Eve"))
    store.replace(state("Dan"))
    assert seen == ["Ada", "Eve", ("inner", "Eve")]


def test_an_inner_effect_can_dispose_its_outer_one():
    store = signed_in("Ada")
    seen = []
    handles = []

    def outer():
        seen.append(("outer", tracked(store, Session).session.user.name))

        def inner():
            seen.append(("inner", tracked(store, Session).session.user.name))
            if handles:
                handles[0].dispose()

        effect(inner)

    handles.append(effect(outer))
    store.replace(state("Eve"))
    store.replace(state("Dan"))
    assert seen == [("outer", "Ada"), ("inner", "Ada"), ("outer", "Eve"), ("inner", "Eve")]


def test_an_effect_that_changes_what_it_read_runs_again_after_its_run():
    store = signed_in("Ada")
    seen = []
    depth = []

    def follow():
        depth.append(True)
        name = tracked(store, Session).session.user.name
        seen.append((name, len(depth)))
        if name == "Ada":
            store.replace(state("Eve"))
        effect(lambda: seen.append(("inner", tracked(store, Session).session.user.name)))
        depth.pop()

    effect(follow)
    assert seen == [("Ada", 1), ("inner", "Eve"), ("Eve", 1), ("inner", "Eve")]
    store.replace(state("Dan"))
    assert seen[4:] == [("Dan", 1), ("inner", "Dan")]


def test_an_effect_that_reads_again_what_it_has_changed_runs_again_too():
    store = signed_in("Ada")
    seen = []

    def follow():
        before = tracked(store, Session).session.user.name
        store.replace(state("Eve"))
        seen.append((before, tracked(store, Session).session.user.name))

    effect(follow)
    assert seen == [("Ada", "Eve"), ("Eve", "Eve")]


async def test_an_async_effect_follows_what_it_reads_before_its_first_await():
    store = signed_in("Ada")
    seen = []

    async def follow():
        now = tracked(store, Session)
        seen.append(now.session.user.name)
        await asyncio.sleep(0)
        seen.append(now.session.expires)
        seen.append(tracked(store, Session).session.user.email)

    effect(follow)
    await turns()
    assert seen == ["Ada", "2026-12-23T13:41:00.000Z", "Ada@example.org"]
    store.replace(state("Ada", expires="later"))
    await turns()
    assert len(seen) == 3
    store.replace(state("Eve", expires="later"))
    await turns()
    assert seen[3:] == ["Eve", "later", "Eve@example.org"]


async def test_an_async_effect_that_does_not_await_follows_too():
    store = signed_in("Ada")
    seen = []

    async def follow():
        seen.append(tracked(store, Session).session.user.name)

    effect(follow)
    await turns()
    store.replace(state("Eve"))
    await turns()
    assert seen == ["Ada", "Eve"]


async def test_a_new_run_cancels_the_old():
    store = signed_in("Ada")
    seen = []

    async def follow():
        name = tracked(store, Session).session.user.name
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            seen.append(name + " cancelled")
            raise
        seen.append(name)

    effect(follow)
    await turns(2)
    store.replace(state("Eve"))
    await turns()
    assert seen == ["Ada cancelled", "Eve"]


async def test_disposing_cancels_an_async_effect():
    store = signed_in("Ada")
    seen = []

    async def follow():
        seen.append(tracked(store, Session).session.user.name)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen.append("too late")

    handle = effect(follow)
    await turns(2)
    handle.dispose()
    await turns()
    store.replace(state("Eve"))
    await turns()
    assert seen == ["Ada"]


async def test_an_async_effect_that_is_disposed_before_it_began_never_begins():
    seen = []

    async def follow():
        seen.append(True)

    effect(follow).dispose()
    await turns()
    assert seen == []


async def test_an_async_effect_that_raises_is_reported_and_runs_again():
    store = signed_in("Ada")
    seen = []

    async def broken():
        name = tracked(store, Session).session.user.name
        await asyncio.sleep(0)
        if name == "Ada":
            raise ValueError("on purpose")
        seen.append(name)

    with Replaced(module, "report", Reports()) as reports:
        effect(broken)
        await turns()
        assert reports.told == [("effect broken", "on purpose")]
        store.replace(state("Eve"))
        await turns()
    assert seen == ["Eve"]
    assert len(reports.told) == 1


async def test_an_async_effect_that_raises_before_it_reads_still_runs_again():
    store = signed_in("Ada")
    seen = []
    broken = []

    async def follow():
        if broken:
            raise ValueError("on purpose")
        seen.append(tracked(store, Session).session.user.name)

    with Replaced(module, "report", Reports()) as reports:
        effect(follow)
        await turns()
        broken.append(True)
        store.replace(state("Eve"))
        await turns()
        broken.clear()
        store.replace(state("Dan"))
        await turns()
    assert seen == ["Ada", "Dan"]
    assert len(reports.told) == 1


async def test_an_async_effect_can_dispose_itself():
    store = signed_in("Ada")
    seen = []
    handles = []

    async def follow():
        seen.append(tracked(store, Session).session.user.name)
        handles[0].dispose()
        seen.append("disposed")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen.append("too late")

    with Replaced(module, "report", Reports()) as reports:
        handles.append(effect(follow))
        await turns()
        store.replace(state("Eve"))
        await turns()
    assert seen == ["Ada", "disposed"]
    assert reports.told == []


async def test_an_async_effect_that_changes_what_it_read_runs_again():
    store = signed_in("Ada")
    seen = []

    async def follow():
        name = tracked(store, Session).session.user.name
        if name == "Ada":
            store.replace(state("Eve"))
        seen.append(name)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen.append(name + " done")

    with Replaced(module, "report", Reports()) as reports:
        effect(follow)
        await turns()
    assert seen == ["Ada", "Eve", "Eve done"]
    assert reports.told == []


async def test_an_async_effect_that_changes_what_it_read_after_an_await_runs_again():
    store = signed_in("Ada")
    seen = []

    async def follow():
        name = tracked(store, Session).session.user.name
        await asyncio.sleep(0)
        if name == "Ada":
            store.replace(state("Eve"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        seen.append(name)

    with Replaced(module, "report", Reports()) as reports:
        effect(follow)
        await turns()
    assert seen == ["Eve"]
    assert reports.told == []


async def test_an_effect_made_before_the_first_await_belongs_to_the_async_one():
    store = signed_in("Ada")
    seen = []

    async def outer():
        effect(lambda: seen.append(tracked(store, Session).session.user.name))

    handle = effect(outer)
    await turns()
    store.replace(state("Eve"))
    handle.dispose()
    store.replace(state("Dan"))
    assert seen == ["Ada", "Eve"]


async def test_an_effect_made_after_an_await_belongs_to_the_async_one():
    store = signed_in("Ada")
    seen = []

    async def outer():
        now = tracked(store, Session)
        await asyncio.sleep(0)
        effect(lambda: seen.append(("inner", now.session.user.name, tracked(store, Session).session.user.email)))
        seen.append(is_tracking())

    handle = effect(outer)
    await turns()
    store.replace(state("Eve"))
    await turns()
    handle.dispose()
    store.replace(state("Dan"))
    await turns()
    assert seen == [("inner", "Ada", "Ada@example.org"), False, ("inner", "Eve", "Eve@example.org"), False]


async def test_what_a_run_makes_after_a_newer_one_began_ends_at_once():
    store = signed_in("Ada")
    seen = []

    async def outer():
        name = tracked(store, Session).session.user.name
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            pass
        effect(lambda: seen.append((name, tracked(store, Session).session.expires)))

    effect(outer)
    await turns(2)
    store.replace(state("Eve", expires="1"))
    await turns()
    assert seen == [("Ada", "1"), ("Eve", "1")]
    store.replace(state("Eve", expires="2"))
    assert seen == [("Ada", "1"), ("Eve", "1"), ("Eve", "2")]


async def test_an_async_effect_can_wait_for_others():
    seen = []
    gate = asyncio.Event()

    async def slow():
        await gate.wait()
        return "slow"

    async def follow():
        try:
            seen.append(await asyncio.create_task(slow()))
            await failing()
        except ValueError as error:
            seen.append(str(error))

    async def failing():
        await asyncio.sleep(0)
        raise ValueError("caught inside")

    effect(follow)
    await turns()
    assert seen == []
    gate.set()
    await turns()
    assert seen == ["slow", "caught inside"]


class Kept(module.Effect):
    def __init__(self, function):
        self.results = []
        module.Effect.__init__(self, function)

    def describe(self):
        return "something kept"

    def came(self, result):
        self.results.append(result)


def test_what_a_function_returns_comes_at_every_run():
    store = signed_in("Ada")
    kept = Kept(lambda: tracked(store, Session).session.user.name)
    store.replace(state("Eve"))
    assert kept.results == ["Ada", "Eve"]


async def test_what_an_async_function_returns_comes_when_its_newest_run_is_done():
    store = signed_in("Ada")

    async def read():
        name = tracked(store, Session).session.user.name
        await asyncio.sleep(0)
        return name

    kept = Kept(read)
    store.replace(state("Eve"))
    await turns(8)
    assert kept.results == ["Eve"]


async def test_a_run_that_is_over_delivers_nothing_even_if_it_swallows_its_cancellation():
    store = signed_in("Ada")
    ended = []

    async def read():
        name = tracked(store, Session).session.user.name
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        ended.append(name)
        return name

    kept = Kept(read)
    await turns(2)
    store.replace(state("Eve"))
    await turns(12)
    assert sorted(ended) == ["Ada", "Eve"]
    assert kept.results == ["Eve"]
    store.replace(state("Dan"))
    await turns(2)
    kept.dispose()
    await turns(12)
    assert sorted(ended) == ["Ada", "Dan", "Eve"]
    assert kept.results == ["Eve"]


async def test_a_run_that_is_over_and_fails_is_reported_and_changes_nothing():
    store = signed_in("Ada")
    seen = []

    async def follow():
        name = tracked(store, Session).session.user.name
        seen.append(name)
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            pass
        if name == "Ada":
            raise ValueError("on purpose")

    with Replaced(module, "report", Reports()) as reports:
        effect(follow)
        await turns(2)
        store.replace(state("Eve"))
        await turns()
        assert reports.told == [("effect follow", "on purpose")]
        store.replace(state("Dan"))
        await turns()
    assert seen == ["Ada", "Eve", "Dan"]


def test_an_effect_that_disposes_itself_delivers_nothing():
    store = signed_in("Ada")
    handles = []

    def read():
        if handles:
            handles[0].dispose()
        return tracked(store, Session).session.user.name

    handles.append(Kept(read))
    store.replace(state("Eve"))
    assert handles[0].results == ["Ada"]


def test_the_report_of_an_effect_uses_its_own_words():
    def fails():
        raise ValueError("on purpose")

    with Replaced(module, "report", Reports()) as reports:
        kept = Kept(fails)
    assert kept.results == []
    assert reports.told == [("something kept", "on purpose")]
