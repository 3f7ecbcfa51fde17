"""Sockets, handshakes and deadlines. Nothing in here knows what a camera is."""
