"""static/vendor: PyScript, Pyodide and MicroPython as a page loads them, so that it needs no other host."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from scripts.environment import pip
from scripts.node import npm_ci
from scripts.steps import ROOT, Stamp, say

MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
MICROPIP = ROOT / "scripts" / "micropip.txt"
LIBRARIES = ROOT / "scripts" / "libraries.txt"  # of the examples
# The Python in the browser is newer than the one that runs pip.
FOR_PYODIDE = ["--no-deps", "--only-binary=:all:", "--python-version=3.14", "--require-hashes"]

# folder in static/vendor: (folder in node_modules, the files that a page loads)
COPIED = {
    "pyscript": ("@pyscript/core/dist", ["*.js", "*.css"]),
    "pyodide": ("pyodide", ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"]),
    "micropython": ("@micropython/micropython-webassembly-pyscript", ["micropython.mjs", "micropython.wasm"]),
}


def install_vendor() -> None:
    # This file is an input too: it says what is copied.
    inputs = [ROOT / "package.json", ROOT / "package-lock.json", MICROPIP, LIBRARIES, Path(__file__).resolve()]
    stamp = Stamp(VENDOR / ".stamp", *inputs)
    if stamp.is_fresh():
        return
    say("PyScript, Pyodide, MicroPython: installing into static/vendor")
    npm_ci()
    shutil.rmtree(VENDOR, ignore_errors=True)
    for name, (package, patterns) in COPIED.items():
        (VENDOR / name).mkdir(parents=True)
        for pattern in patterns:
            for file in (MODULES / package).glob(pattern):
                shutil.copy(file, VENDOR / name)
    _add_micropip(VENDOR / "pyodide")
    pip("download", *FOR_PYODIDE, "--requirement", LIBRARIES, "--dest", VENDOR / "libraries")
    stamp.write()


def _add_micropip(pyodide: Path) -> None:
    """Put micropip's wheel beside Pyodide, and a pyodide-lock.json that makes Pyodide load it from there.

    The lock that comes with Pyodide has the hash of another build of micropip, and names 118 KB of packages
    that this server does not have. A page fetches it at each start, so only micropip stays in it.
    """
    pip("download", *FOR_PYODIDE, "--requirement", MICROPIP, "--dest", pyodide)
    [wheel] = pyodide.glob("micropip-*.whl")
    lock = json.loads((MODULES / "pyodide" / "pyodide-lock.json").read_text())
    micropip = {
        **lock["packages"]["micropip"],
        "version": wheel.name.split("-")[1],
        "file_name": wheel.name,
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
    }
    lock["packages"] = {"micropip": micropip}
    (pyodide / "pyodide-lock.json").write_text(json.dumps(lock))
