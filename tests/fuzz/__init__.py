"""Feeds every parser of data from others with invalid and hostile input: ``nox -s fuzz``."""
