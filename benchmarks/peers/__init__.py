"""Minimal relays of the same work, each with another library: what ours is compared with."""
