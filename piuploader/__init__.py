"""Every photo on a drive ends up in Immich, and is confirmed there."""

__version__ = "0.1.0"
