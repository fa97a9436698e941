"""Whom we trust: the system's authorities, and one more that the configuration names.

Requests brings a list of its own (certifi). It is left out, so that every
connection trusts the same: a home server's certificate that was installed
on this machine is good for all of them.
"""

import ssl
from pathlib import Path
from typing import Any

from requests.adapters import HTTPAdapter

from piuploader.errors import ConfigError


def ssl_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Return the TLS settings for all connections; ConfigError if `ca_file` is no certificate.

    `ca_file` may hold an authority's certificate, or a self-signed server's own.
    """
    context = ssl.create_default_context()
    if _no_system_store():
        import certifi  # noqa: PLC0415  a machine without the package ca-certificates

        context.load_verify_locations(certifi.where())
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise ConfigError(f"ca_file {ca_file} cannot be used: {error}") from error
        # A certificate that the owner vouches for is trusted as it is: authorities made at home
        # lack what RFC 5280 asks for, and Python 3.13 would refuse them.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _no_system_store() -> bool:
    places = ssl.get_default_verify_paths()
    return places.cafile is None and places.capath is None


class TrustingAdapter(HTTPAdapter):
    """Make requests use our TLS settings, and no other, also through a proxy."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Hand our settings to the pool of direct connections."""
        super().init_poolmanager(*args, ssl_context=self._context, **options)

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """Hand our settings to the connections through a proxy."""
        return super().proxy_manager_for(proxy, ssl_context=self._context, **options)

    def cert_verify(self, conn: Any, _url: Any, _verify: Any, _cert: Any) -> None:
        """Keep requests from adding its own list to our settings."""
        conn.cert_reqs = "CERT_REQUIRED"
        conn.ca_certs = None
        conn.ca_cert_dir = None
