"""Which files the server takes: judged by the extension only, as Immich does."""

from pathlib import PurePath

from piuploader.sandbox.world import packaged

_TYPES = packaged("media-types.json")  # extension -> mime type, as Immich 3.1 has them
MIME: dict[str, str] = {
    extension: mime
    for kind in ("image", "video", "sidecar")
    for extension, mime in _TYPES[kind].items()
}
LISTING: dict[str, list[str]] = {
    kind: sorted(_TYPES[kind]) for kind in ("image", "sidecar", "video")
}


def extension_of(name: str) -> str:
    """Return a name's extension in lower case, with its dot."""
    return PurePath(name).suffix.lower()


def asset_type(extension: str) -> str | None:
    """Return IMAGE or VIDEO, or None for what the server does not take."""
    if extension in _TYPES["image"]:
        return "IMAGE"
    return "VIDEO" if extension in _TYPES["video"] else None


def is_sidecar(name: str) -> bool:
    """Tell whether a file's name is a sidecar's."""
    return extension_of(name) in _TYPES["sidecar"]
