"""The proxies of `examples/production`, the real ones, in front of real apps."""
