"""skysentry-trio: live JPEG relay, cameras in over one WebSocket and viewers out over another.

Which room holds what, and which way imports point: docs/explanation/architecture.md.
"""

from skysentry_trio._version import __version__

__all__ = ["__version__"]
