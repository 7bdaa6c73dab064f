"""tests/backends/node: the real backends that tests sign in to, an identity provider and a mail sink."""

from __future__ import annotations

import json

from scripts.node import npm_ci
from scripts.steps import ROOT, Stamp, say

BACKENDS = ROOT / "tests" / "backends" / "node"
MODULES = BACKENDS / "node_modules"

# What npm calls a package, by the folder that it is installed in.
PACKAGES = {
    "next-auth-v3": "next-auth",
    "next-auth-v4": "next-auth",
    "@auth/core": "@auth/core",
    "@auth/express": "@auth/express",
    "oidc-provider": "oidc-provider",
}


def install_backends() -> None:
    stamp = Stamp(MODULES / ".stamp", *[BACKENDS / name for name in ("package.json", "package-lock.json", ".npmrc")])
    if stamp.is_fresh():
        return
    say("NextAuth.js v3 and v4, Auth.js v5, an identity provider: installing into tests/backends/node")
    npm_ci(BACKENDS)
    stamp.write()


def installed_versions() -> list[str]:
    """The backends' packages with the versions that are installed, such as "next-auth 4.24.15"."""
    manifests = {folder: MODULES / folder / "package.json" for folder in PACKAGES}
    return [f"{PACKAGES[folder]} {json.loads(file.read_text())['version']}" for folder, file in manifests.items()]


def pinned_versions() -> list[str]:
    """The same, as package.json asks for them."""
    pinned = json.loads((BACKENDS / "package.json").read_text())["dependencies"]
    return [f"{name} {pinned[folder].rpartition('@')[2]}" for folder, name in PACKAGES.items()]
