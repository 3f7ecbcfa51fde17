"""Minimal relays that do the same work with other libraries, to compare ours with."""
