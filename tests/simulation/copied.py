"""Plays what the developer tools have copied, as it would be pasted into `test_regressions.py`."""

from __future__ import annotations

from collections.abc import Callable

from .world import World


def follow(world: World) -> list[tuple[str, str | None]]:
    """What the first tab shows from now on."""
    seen: list[tuple[str, str | None]] = []

    def heard(state: object, _previous: object) -> None:
        shown = tuple(state.at((name,), True) for name in ("status", "reason"))  # type: ignore[attr-defined]
        if shown not in seen[-1:]:
            seen.append(shown)  # type: ignore[arg-type]

    world.pages[0].store.subscribe(heard)
    return seen


def play(text: str) -> tuple[World, list[tuple[str, str | None]]]:
    """The world that a copied test has made, and what its first tab has shown. Raises what an invariant says."""
    worlds: list[World] = []
    shown: list[list[tuple[str, str | None]]] = []

    def make(**options: object) -> World:
        worlds.append(World(**options))
        shown.append(follow(worlds[0]))
        return worlds[0]

    names: dict[str, Callable[[], None]] = {"World": make}  # type: ignore[dict-item]
    exec(text, names)
    names["test_what_the_developer_tools_have_seen"]()
    return worlds[0], shown[0]
