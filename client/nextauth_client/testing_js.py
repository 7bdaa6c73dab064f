"""JavaScript's own things, and the modules `js`, `pyscript` and `pyodide.ffi`, as pages find them in a test on CPython.

Knows how a page's Python is run, and how all of it is forgotten again; the document is `testing_dom`'s.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import sys
import textwrap
from pathlib import Path
from types import ModuleType, SimpleNamespace

from .console import report
from .tasks import start
from .testing_css import CSSStyleSheet
from .testing_dom import HTMLFormElement, create_element, document
from .testing_events import Event, MutationObserver, window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


class Map:
    """By identity, in the order in which keys came."""

    def __init__(self) -> None:
        self._pairs: dict[int, tuple[Any, Any]] = {}

    def set(self, key: Any, value: Any) -> None:
        self._pairs[id(key)] = (key, value)

    def add(self, key: Any) -> None:
        self.set(key, key)

    def get(self, key: Any) -> Any:
        return self._pairs[id(key)][1]

    def has(self, key: Any) -> bool:
        return id(key) in self._pairs

    def delete(self, key: Any) -> None:
        self._pairs.pop(id(key), None)

    def __iter__(self) -> Iterator[Any]:
        return iter([key for key, _ in self._pairs.values()])


class FormData:
    def __init__(self, form: HTMLFormElement, submitter: Any = None) -> None:
        self.pairs: list[tuple[str, str]] = []
        for control in form.elements:
            sends = not control.disabled and control.name
            if control.localName == "button" or control.type in ("submit", "image"):
                sends = sends and control is submitter
            elif control.type in ("checkbox", "radio"):
                sends = sends and control.checked
            if sends:
                self.pairs.append((control.name, control.value or ("on" if control.type == "checkbox" else "")))


class _Function:
    """A method or a getter as JavaScript has it: a function that is told its `this`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.call = function

    def bind(self, this: Any, *args: Any) -> Callable[..., Any]:
        return lambda *more: self.call(this, *args, *more)


class _Prototype:
    """Of every interface: its functions call what their `this` has of that name."""

    def __getattr__(self, name: str) -> Any:
        return _Function(lambda this, *args: getattr(this, name)(*args))


def _getter(_prototype: Any, name: str) -> Any:
    return SimpleNamespace(get=_Function(lambda this: getattr(this, name)))


def _interface(made: Any = None) -> Any:
    return SimpleNamespace(new=made, prototype=_Prototype())


def _make_js() -> ModuleType:
    module = ModuleType("js")
    found: dict[str, Any] = {"document": document, "window": window, "globalThis": module}
    for name in ("Node", "Element", "Document", "HTMLFormElement", "EventTarget", "Function"):
        found[name] = _interface()
    for made in (CSSStyleSheet, MutationObserver, Map, FormData):
        found[made.__name__] = _interface(made)
    found["Set"] = found["WeakSet"] = found["Map"]
    found["Reflect"] = SimpleNamespace(get=getattr, set=setattr)
    found["Object"] = SimpleNamespace(
        getOwnPropertyDescriptor=_getter, hasOwn=hasattr, fromEntries=lambda data: dict(data.pairs)
    )
    found["JSON"] = SimpleNamespace(
        parse=lambda text: json.loads(text, object_hook=lambda data: SimpleNamespace(**data)), stringify=json.dumps
    )
    module.__dict__.update(found, console=SimpleNamespace(log=print, warn=print, error=print))
    return module


# ── the modules that a page imports ───────────────────────────────────────────────────────────────


def when(kind: str, selector: Any) -> Callable[[Any], Any]:
    """PyScript's: the function, sync or async, is called at these events."""

    def decorate(function: Any) -> Any:
        takes_event = bool(inspect.signature(function).parameters)

        def listener(event: Event) -> None:
            result = function(event) if takes_event else function()
            if inspect.iscoroutine(result):
                start(result, lambda error: report(error, f"what {kind} does"))

        targets = document.querySelectorAll(selector) if isinstance(selector, str) else [selector]
        for target in targets:
            target.addEventListener(kind, listener)
        return function

    return decorate


def display(*values: Any, target: str = "") -> None:
    """PyScript's, for texts; the target is an id."""
    place = document.getElementById(target.removeprefix("#")) if target else document.body
    for value in values:
        line = create_element("div")
        line.append(str(value))
        place.append(line)


def _make_modules() -> dict[str, Any]:
    modules: dict[str, Any] = {name: ModuleType(name) for name in ("pyodide", "pyodide.ffi", "pyscript")}
    modules["js"] = _make_js()
    modules["pyodide"].ffi = modules["pyodide.ffi"]
    modules["pyodide.ffi"].create_proxy = lambda function: function
    modules["pyscript"].__dict__.update(document=document, window=window, when=when, display=display)
    return modules


MODULES = _make_modules()
JS_NAMES = set(MODULES["js"].__dict__)
_folders: list[str] = []  # of pages that were loaded


def enter(url: str) -> Callable[[], None]:
    """Let there be an empty page, and those modules; what is returned ends that."""
    kept = {name: sys.modules.get(name) for name in MODULES}
    before, path = set(sys.modules), list(sys.path)
    sys.modules.update(MODULES)
    document.begin(url)

    def leave() -> None:
        document.begin("")
        for name in set(MODULES["js"].__dict__) - JS_NAMES:  # what a page has made global
            delattr(MODULES["js"], name)
        for name in set(sys.modules) - before - set(MODULES):
            if _is_of_a_page(sys.modules[name]):  # so that the next test begins anew
                del sys.modules[name]
        sys.path[:] = path
        _folders.clear()
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module

    return leave


def _is_of_a_page(module: Any) -> bool:
    """The page's own, not what is installed below its folder: that may bear to be imported only once."""
    file = getattr(module, "__file__", None) or "/"
    is_installed = "site-packages" in file or module.__name__.partition(".")[0] == __package__
    return not is_installed and any(Path(folder) in Path(file).resolve().parents for folder in _folders)


async def load(page: str) -> ModuleType:
    """Run a page's Python; see `testing.Browser.load`."""
    path = Path(page)
    if path.suffix not in (".py", ".html"):
        spec = importlib.util.find_spec(page)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"{page!r} is no module: load() takes the name of one, or a file.py or file.html")
        path = Path(spec.origin)
    text = path.read_text(encoding="utf-8")
    folder = str(path.resolve().parent)
    _folders.append(folder)
    sys.path.insert(0, folder)
    module = ModuleType("__main__")
    module.__file__ = str(path)
    if path.suffix == ".py":
        await _run(text, path, module)
        return module
    document.begin(document.URL, text)
    for script in document.querySelectorAll("script[type=py]:not([worker]),script[type=mpy]:not([worker])"):
        if script.src:
            file = _beside(path, script.src.split("?")[0])
            await _run(file.read_text(encoding="utf-8"), file, module)
        else:
            await _run("\n" * (script.line - 1) + textwrap.dedent(script.textContent), path, module)
    return module


def _beside(page: Path, address: str) -> Path:
    """The file that a page names; "/main.py" begins where the site does, in the page's folder or one above."""
    if not address.startswith("/"):
        return page.parent / address
    places = [folder / address.lstrip("/") for folder in page.resolve().parents]
    return next((place for place in places if place.is_file()), places[0])


async def _run(source: str, path: Path, module: ModuleType) -> None:
    """A page may await outside of functions."""
    code = compile(source, str(path), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    running = eval(code, module.__dict__)
    if code.co_flags & inspect.CO_COROUTINE:
        await running
