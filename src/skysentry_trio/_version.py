"""The version of skysentry-trio, in one place: hatchling and the program read it here."""

__version__ = "0.1.0"
