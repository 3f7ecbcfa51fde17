"""The server: the nursery tree in `daemon`, and one room for each kind of work."""
