"""How large, in bytes, may be what a page loads, and what an index gets."""

KB = 1024

ARCHIVE = 48 * KB
DEVTOOLS = 13 * KB
# With gzip.
EARLY = 2 * KB  # a quarter of one are conditions
PAGE = int(1.5 * KB)

WHEELS = {"nextauth-client": 191 * KB, "nextauth-server": 92 * KB, "nextauth-server-stub": 96 * KB}
