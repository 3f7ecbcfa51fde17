"""The server: `daemon` starts its tasks, and each subpackage does one kind of work."""
