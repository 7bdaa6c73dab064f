"""What a store promises, in every interpreter."""

from nextauth_client import store as module
from nextauth_client.store import Store

from .helpers import Replaced, Reports


def test_a_listener_hears_the_new_value_and_the_one_before():
    heard = []
    store = Store(1)
    store.subscribe(lambda value, previous: heard.append((value, previous)))
    store.replace(2)
    store.replace(3)
    assert heard == [(2, 1), (3, 2)]
    assert store.value == 3


def test_an_equal_value_is_no_change():
    heard = []
    store = Store({"a": [1]})
    store.subscribe(lambda value, previous: heard.append(value))
    store.replace({"a": [1]})
    assert heard == []


def test_listeners_hear_in_the_order_in_which_they_came():
    heard = []
    store = Store(0)
    for name in "abcdefgh":
        store.subscribe(lambda value, previous, name=name: heard.append(name))
    store.replace(1)
    assert heard == list("abcdefgh")


def test_the_value_is_new_before_the_first_listener_hears():
    seen = []
    store = Store(1)
    store.subscribe(lambda value, previous: seen.append(store.value))
    store.replace(2)
    assert seen == [2]


def test_a_listener_that_raises_stops_nobody_and_is_reported():
    heard = []

    def broken(value, previous):
        raise ValueError("on purpose")

    store = Store(1)
    store.subscribe(broken)
    store.subscribe(lambda value, previous: heard.append(value))
    with Replaced(module, "report", Reports()) as reports:
        store.replace(2)
        store.replace(3)
    assert heard == [2, 3]
    assert reports.told == [("a listener", "on purpose")] * 2


def test_those_behind_a_listener_that_was_cut_off_hear_it_when_they_are_told():
    # As what JavaScript throws does on MicroPython, only that `finally` is not passed there.
    class CutOff(BaseException):
        pass

    heard = []

    def cut(value, previous):
        if value == 2:
            raise CutOff

    store = Store(1)
    store.subscribe(lambda value, previous: heard.append(("before", value, previous)))
    store.subscribe(cut)
    store.subscribe(lambda value, previous: heard.append(("after", value, previous)))
    try:
        store.replace(2)
    except CutOff:
        heard.append("cut")
    store._running = True
    store.replace(3)
    assert store.is_telling
    store.tell()
    assert not store.is_telling
    assert heard == [("before", 2, 1), "cut", ("after", 2, 1), ("before", 3, 2), ("after", 3, 2)]


def test_who_unsubscribes_hears_no_more():
    heard = []
    store = Store(1)
    unsubscribe = store.subscribe(lambda value, previous: heard.append("gone"))
    store.subscribe(lambda value, previous: heard.append("here"))
    unsubscribe()
    unsubscribe()
    store.replace(2)
    assert heard == ["here"]
    assert len(store.subscribers) == 1  # nothing keeps the one that has gone alive


def test_the_same_listener_twice_is_two():
    heard = []

    def listener(value, previous):
        heard.append(value)

    store = Store(1)
    first = store.subscribe(listener)
    store.subscribe(listener)
    first()
    first()
    store.replace(2)
    assert heard == [2]


def test_a_listener_can_end_another_and_itself_during_a_round():
    heard = []
    ends = []

    def ending(value, previous):
        heard.append("ending")
        for end in ends:
            end()

    store = Store(1)
    ends.append(store.subscribe(ending))
    ends.append(store.subscribe(lambda value, previous: heard.append("ended")))
    store.subscribe(lambda value, previous: heard.append("after"))
    store.replace(2)
    store.replace(3)
    assert heard == ["ending", "after", "after"]


def test_who_comes_during_a_round_hears_of_later_changes_only():
    heard = []
    store = Store(0)

    def newcomer(value, previous):
        heard.append(value)

    def adding(value, previous):
        if value == 1:
            store.replace(2)
            store.replace(3)
            heard.append(("reads", store.value))
            store.subscribe(newcomer)

    store.subscribe(adding)
    store.replace(1)
    assert heard == [("reads", 3)]
    store.replace(4)
    assert heard == [("reads", 3), 4]


def test_a_replacement_by_a_listener_is_heard_after_the_present_round():
    heard = []
    store = Store(0)

    def replacing(value, previous):
        heard.append(("first", value, previous))
        if value == 1:
            store.replace(2)

    store.subscribe(replacing)
    store.subscribe(lambda value, previous: heard.append(("second", value, previous)))
    store.replace(1)
    assert heard == [("first", 1, 0), ("second", 1, 0), ("first", 2, 1), ("second", 2, 1)]


def test_after_a_listener_raised_while_replacing_the_store_works_on():
    heard = []
    store = Store(0)

    def broken(value, previous):
        if value == 1:
            store.replace(2)
        raise ValueError(value)

    store.subscribe(broken)
    store.subscribe(lambda value, previous: heard.append(value))
    with Replaced(module, "report", Reports()):
        store.replace(1)
        store.replace(3)
    assert heard == [1, 2, 3]
