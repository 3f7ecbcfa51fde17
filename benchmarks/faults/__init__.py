"""Measure how far one kind of fault reaches: each module attacks a server process and prints one figure.

Run one as ``python -m benchmarks.faults.NAME --python PYTHON``; PYTHON is the interpreter of an environment with
the server. So an old and a new version can be measured in the same way.
"""
