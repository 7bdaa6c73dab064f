"""`python -m nextauth_client early > nextauth-early.js` gives the early script (docs/pages.md) of this version."""

import sys
from pathlib import Path

EARLY = Path(__file__).with_name("nextauth-early.js")


def main(arguments: "list[str]") -> int:
    if arguments != ["early"]:
        print(__doc__, file=sys.stderr)
        return 2
    sys.stdout.buffer.write(EARLY.read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
