"""What is said to the page's author, on the console (stderr): errors that nobody will catch, and warnings."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional

_warned: "list[str]" = []


_reporter: "Optional[Callable[[BaseException, str], object]]" = None


def report_to(reporter: "Optional[Callable[[BaseException, str], object]]") -> None:
    """For tests: have `reporter(error, where)` called instead of writing on the console; `None` ends that."""
    global _reporter
    _reporter = reporter


def report(error: BaseException, where: str) -> None:
    """Put an error that nobody will catch on the console, naming `where` it happened."""
    if _reporter is not None:
        _reporter(error, where)
        return
    print("nextauth_client:", where, "failed:", file=sys.stderr)
    if hasattr(sys, "print_exception"):  # MicroPython
        sys.print_exception(error, sys.stderr)
    else:
        import traceback

        traceback.print_exception(type(error), error, error.__traceback__)


def warn_once(text: str) -> None:
    """Put a sentence on the console, the first time that it is said."""
    if text not in _warned:
        _warned.append(text)
        print("nextauth_client:", text, file=sys.stderr)
