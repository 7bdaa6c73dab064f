"""Any number of tabs, any failure, in virtual time: what docs/synchroniser.md promises, driven at random."""
