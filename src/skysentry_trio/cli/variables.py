"""The environment variable of ``capture`` and ``watch``, which is no setting of the server."""

from __future__ import annotations

from typing import Final

TOKEN_VARIABLE: Final = "SKYSENTRY_TOKEN"  # noqa: S105 - only its name
"""The token that the commands present to a server."""
