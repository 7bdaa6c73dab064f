"""Python apps with a bridge, as backends to sign in to; they speak as `tests/backends/node` does."""
