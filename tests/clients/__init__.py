"""Tests of the programs that speak the protocol from the other side."""
