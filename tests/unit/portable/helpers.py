"""What the portable checks share. Runs on MicroPython too, so without pytest, contextlib and typing."""

import asyncio


def raised(kind, function, *args, **kwargs):
    """The error of that kind which the call raises."""
    try:
        function(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def differ(one, other):
    """What `!=` says, which MicroPython derives from `==` by itself."""
    return one != other


async def raised_by(kind, awaitable):
    """The error of that kind which comes out of the awaitable."""
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


async def turns(count=10):
    """Let everything run that can run without time passing."""
    for _ in range(count):
        await asyncio.sleep(0)


class Replaced:
    """Puts another object into a module while the block runs."""

    def __init__(self, module, name, value):
        self.module, self.name, self.value = module, name, value

    def __enter__(self):
        self.before = getattr(self.module, self.name)
        setattr(self.module, self.name, self.value)
        return self.value

    def __exit__(self, *_):
        setattr(self.module, self.name, self.before)


class Reports:
    """Stands in for what reports errors, and keeps what it is told."""

    def __init__(self):
        self.told = []

    def __call__(self, error, where):
        self.told.append((where, str(error)))
