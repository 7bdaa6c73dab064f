"""What matters where others may reach the server."""

from __future__ import annotations

SECRET = "a secret that nobody can guess: 4f6b0c2d9e"

# What a proxy, and others before it, may add to a request.
OF_A_PROXY = [
    *("Forwarded", "Via", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Original-Host"),
    *("CDN-Loop", "X-Remote-IP", "X-Remote-Addr", "X-Amzn-Trace-Id", "X-Cloud-Trace-Context", "X-ARR-Log-ID"),
    *("Incap-Client-IP", "CF-Ray", "Fastly-Client-IP", "X-Envoy-External-Address"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Server"),
]
