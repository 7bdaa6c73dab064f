"""What a page needs of this package, for whoever installed only the wheel (docs/pages.md):

python -m nextauth_client early > nextauth-early.js
    prints the early script of this version
python -m nextauth_client files FOLDER > pyscript.json
    copies the modules that run in a page into FOLDER, and prints PyScript's configuration to load them from /FOLDER
"""

import json
import shutil
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent
EARLY = PACKAGE / "nextauth-early.js"
NOT_FOR_PAGES = ("__main__", "server", "testing")


def modules() -> "list[Path]":
    return sorted(file for file in PACKAGE.glob("*.py") if file.stem not in NOT_FOR_PAGES)


def copy_modules(folder: Path, url: str) -> "dict[str, dict[str, str]]":
    """Returns PyScript's configuration to load them from there. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for module in modules():
        shutil.copyfile(module, folder / module.name)
        files[f"{url}/{module.name}"] = f"./{PACKAGE.name}/{module.name}"
    return {"files": files}


def main(arguments: "list[str]") -> int:
    if arguments == ["early"]:
        sys.stdout.buffer.write(EARLY.read_bytes())
        return 0
    if len(arguments) == 2 and arguments[0] == "files":
        try:
            folder = Path(arguments[1])
            config = copy_modules(folder, "/" + folder.as_posix().strip("/"))
        except OSError as error:
            print(f"The modules could not be copied: {error}. Name a folder that can be written.", file=sys.stderr)
            return 1
        print(json.dumps(config, indent=2))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
