"""Which servers a client trusts over https: those of the system, of this machine's own authority, and of a file."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress

from attrs import evolve

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.state_folder import AUTHORITY, TLS_FOLDER, find_state_folder
from skysentry_trio.client.engine.addresses import ServerAddress


def with_trust(server: ServerAddress, ca_file: str | os.PathLike[str] | None) -> ServerAddress:
    """Return the address with the certificates that its client trusts.

    Args:
        server: an address without ``https`` stays as it is.
        ca_file: PEM file with certificates of further authorities; None for none.

    Raises:
        ConfigurationError: the file cannot be used.
    """
    if not server.tls:
        return server
    context = ssl.create_default_context()
    # A server on this machine may have made its certificate itself.
    with suppress(OSError):
        context.load_verify_locations(find_state_folder("", os.environ) / TLS_FOLDER / AUTHORITY)
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except ssl.SSLError:
            raise ConfigurationError(
                f"file {os.fspath(ca_file)}: expected certificates in PEM form, got something else"
            ) from None
        except OSError as error:
            raise ConfigurationError(
                f"file {os.fspath(ca_file)}: expected a readable PEM file, got an error: {error.strerror or error}"
            ) from None
    return evolve(server, trust=context)
