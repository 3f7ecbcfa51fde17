"""Tests of sockets, handshakes and deadlines."""
