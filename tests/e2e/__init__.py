"""Tests of whole programs: processes, real sockets, other people's clients."""
