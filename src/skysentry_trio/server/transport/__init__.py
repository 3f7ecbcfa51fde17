"""Sockets, handshakes and deadlines. No module here uses cameras or the hub."""
