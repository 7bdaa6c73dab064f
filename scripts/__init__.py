"""What `make` does before it runs something. Standard library only, so that it runs on a fresh machine."""
