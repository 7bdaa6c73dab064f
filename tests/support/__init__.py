"""What the tests of several folders share: backends to sign in to, the folder they serve, browser tabs, MicroPython."""

PATIENCE = 60  # seconds in which whatever works has ended, however busy the machine is
