"""The Immich server, over HTTP: all that we ask of it but the uploads.

client.py    one method per call
failure.py   what goes wrong -> one of our errors, once
shape.py     what a JSON answer must hold
find.py      an address as people write it -> the base URL that answers
tls.py       whom we trust; uploads use the same
lean.py      requests, without what we do not need of it
"""

from piuploader.adapters.immich import lean  # noqa: F401  before requests is loaded
from piuploader.adapters.immich.client import ImmichClient
from piuploader.adapters.immich.find import resolve
from piuploader.adapters.immich.tls import ssl_context

__all__ = ["ImmichClient", "resolve", "ssl_context"]
