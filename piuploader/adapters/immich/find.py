"""Find the server behind an address as people write it.

Asked without the key, so that no wrong address ever sees it.
"""

import ssl
from pathlib import Path

from piuploader.adapters.immich.client import ImmichClient
from piuploader.adapters.immich.tls import ssl_context
from piuploader.core.address import candidates
from piuploader.errors import ServerError, ServerUnreachable

TIMEOUT_S = (5.0, 10.0)


def resolve(
    address: str,
    ca_file: Path | None = None,
    *,
    context: ssl.SSLContext | None = None,
    timeout_s: tuple[float, float] = TIMEOUT_S,
) -> str:
    """Return the base URL at which an Immich server answers, following one redirect.

    Raises ConfigError for an address that is none, ServerUnreachable if nothing
    there answers as Immich does. An address without http:// or https:// is tried
    both ways, but never without TLS after a certificate that is not trusted.
    `context` are ready-made TLS settings, instead of `ca_file`.
    """
    context = context or ssl_context(ca_file)
    first: ServerError | None = None
    for url in candidates(address):
        try:
            with ImmichClient(url, context=context, timeout_s=timeout_s) as client:
                found = client.moved_to() or url
            with ImmichClient(found, context=context, timeout_s=timeout_s) as client:
                client.ping()
                return client.url
        except ServerError as error:
            first = first or error
            if "certificate" in str(error):
                break
    raise first or ServerUnreachable(f"{address} does not answer")
