"""Answers of a Python server that depend on the cookie: no cache may give one to somebody else."""

import functools
import re
from typing import Any

FOR_NO_CACHE = {"Cache-Control": "private, no-store", "Vary": "Cookie"}
DEPENDS_ON_COOKIE = "nextauth_server.depends_on_cookie"  # a key of ASGI scopes, and of Django's request.META
HEADERS_ARE_MADE = "nextauth_server.headers_are_made"  # another, and of Flask's environ
SHARED = ("public", "s-maxage", "private")  # `private` may name fields, and let the rest be shared
# What shared caches obey before Cache-Control, also with a make's name in front (RFC 9213, Edge Architecture, nginx).
FOR_SHARED_CACHES = ("cdn-cache-control", "surrogate-control", "x-accel-expires")


def mark_private(headers: Any) -> None:
    """Let no cache give an answer with these headers to somebody else; what they forbid already stays forbidden."""
    names = list(headers.keys())  # iterated itself, Flask's gives pairs
    there = {name.lower() for name in names}
    cache_control, vary = "private", "Cookie"
    if "cache-control" in there:
        said = [one for one in _listed(headers, "Cache-Control") if one.partition("=")[0].strip().lower() not in SHARED]
        cache_control = ", ".join(["private", *said])
    if "vary" in there:
        said = _listed(headers, "Vary")
        vary = ", ".join(said if {"*", "cookie"} & {name.lower() for name in said} else [*said, "Cookie"])
    headers["Cache-Control"], headers["Vary"] = cache_control, vary
    for name in names:
        if name.lower().endswith(FOR_SHARED_CACHES):
            del headers[name]


def _listed(headers: Any, name: str) -> list[str]:
    """The parts of a header that is a list, and that may be there more than once."""
    values = headers.getlist(name) if hasattr(headers, "getlist") else [headers[name]]
    parts = re.findall(r'(?:[^,"]|"[^"]*"?)+', ", ".join(values))
    return [part.strip() for part in parts if part.strip()]


def refuse_late(environ: Any) -> None:
    """Raises `RuntimeError` where the headers have been made, and so cannot say any more that they are one person's."""
    if HEADERS_ARE_MADE in environ:
        raise RuntimeError(
            "The session is read while the answer is sent, and its headers let a cache give it to somebody else: "
            "read the session before you begin to stream."
        )


@functools.cache
def mark_answers_of_starlette() -> None:
    """Have the routers and apps of Starlette mark what a `session_dependency` took part in, from now on.

    A dependency cannot: FastAPI passes its headers on with plain data, and neither with a `Response` that the view has
    made itself nor with an error. A router is inside of all middleware, caches among it; and an error that nothing
    handles is answered outside of both.
    """
    from starlette.applications import Starlette
    from starlette.datastructures import MutableHeaders
    from starlette.routing import Router

    def marking(call: Any) -> Any:
        async def marked(self: Any, scope: Any, receive: Any, send: Any) -> None:
            # A list, which copies of the scope share. Its last item: the headers as they were marked last.
            depends = scope.setdefault(DEPENDS_ON_COOKIE, [])

            async def mark(message: Any) -> None:
                if depends and message["type"] == "http.response.start" and depends[-1] != message.get("headers", []):
                    message.setdefault("headers", [])
                    mark_private(MutableHeaders(scope=message))
                    depends.append(list(message["headers"]))
                await send(message)

            await call(self, scope, receive, mark)

        return marked

    Router.__call__ = marking(Router.__call__)  # type: ignore[method-assign]
    Starlette.__call__ = marking(Starlette.__call__)  # type: ignore[method-assign]


@functools.cache
def mark_answers_of_django() -> None:
    """Have Django mark the answers to requests that were guarded, from now on.

    First what becomes of an exception that left a view. The guard cannot answer in its place: around it are what rolls
    the request's transaction back (`ATOMIC_REQUESTS`), other decorators, and middleware that makes an answer of the
    exception. Around all of them is a cache. And at the end every answer: a middleware may have set its own headers.
    """
    from django.core.handlers import exception  # type: ignore[import-untyped]
    from django.core.handlers.base import BaseHandler  # type: ignore[import-untyped]

    answer = exception.response_for_exception
    answer_of_middleware = BaseHandler.process_exception_by_middleware
    respond, respond_async = BaseHandler.get_response, BaseHandler.get_response_async

    def mark(request: Any, response: Any) -> Any:
        if DEPENDS_ON_COOKIE in request.META and hasattr(response, "headers"):
            mark_private(response.headers)
        return response

    def marked(request: Any, error: Exception) -> Any:
        return mark(request, answer(request, error))

    def marked_of_middleware(self: Any, error: Exception, request: Any) -> Any:
        return mark(request, answer_of_middleware(self, error, request))

    def finish(request: Any, response: Any) -> Any:
        request.META[HEADERS_ARE_MADE] = True
        return mark(request, response)

    def marked_last(self: Any, request: Any) -> Any:
        return finish(request, respond(self, request))

    async def marked_last_async(self: Any, request: Any) -> Any:
        return finish(request, await respond_async(self, request))

    exception.response_for_exception = marked
    BaseHandler.process_exception_by_middleware = marked_of_middleware
    BaseHandler.get_response = marked_last
    BaseHandler.get_response_async = marked_last_async


@functools.cache
def mark_answers_of_flask() -> None:
    """Have Flask mark the answers to requests that were guarded, from now on: after all that an app does with them.

    An `after_request` of the app's runs after those of one request.
    """
    from flask import Flask, request

    process = Flask.process_response

    def marked(self: Flask, response: Any) -> Any:
        try:
            response = process(self, response)
        finally:  # of an error in there Flask makes an answer, and gives that out unprocessed if there is another
            request.environ[HEADERS_ARE_MADE] = True
            if DEPENDS_ON_COOKIE in request.environ:
                mark_private(response.headers)
        return response

    Flask.process_response = marked  # type: ignore[method-assign]
