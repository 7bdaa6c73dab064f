"""The exceptions that become an answer."""


class Refused(Exception):
    """A request that gets a plain answer and no cookie, because it cannot be understood or trusted."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class CredentialsSignin(Exception):
    """What an ``authorize`` callback raises for credentials that are wrong; v5 tells the page its ``code``."""

    def __init__(self, code: str = "credentials") -> None:
        super().__init__(code)
        self.code = code


class SentElsewhere(Exception):
    """A request that fails and goes on at another page; a script is told its URL, with ``status``.

    ``reason`` is for the log: the page of a configuration error tells its reader to look there.
    """

    def __init__(self, url: str, status: int = 200, reason: str = "") -> None:
        super().__init__(url)
        self.url = url
        self.status = status
        self.reason = reason
