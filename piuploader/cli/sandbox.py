"""`piuploader sandbox`: a server to try things out on; it lives in `piuploader.sandbox`."""

from piuploader.sandbox.command import sandbox

__all__ = ["sandbox"]
