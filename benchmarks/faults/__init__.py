"""Faults that people once met, measured again: each module loads one server, and prints a JSON line for each figure.

Run one as ``python -m benchmarks.faults.NAME --python PYTHON``. PYTHON is an interpreter in whose environment
skysentry-trio is installed, so that an old and a new server can be compared.
"""
