"""The list by which Raspberry Pi Imager offers the image as a repository of its own."""

import json
from dataclasses import dataclass

# Imager's own names for the boards that this image starts on.
DEVICES = ("pi3-64bit", "pi4-64bit", "pi5-64bit")


@dataclass(frozen=True, slots=True)
class Download:
    """What somebody downloads, and what it becomes."""

    file: str
    size_bytes: int
    extracted_bytes: int
    extracted_sha256: str


def os_list(download: Download, *, base_url: str, version: str, released: str) -> str:
    """Return the list as JSON. `base_url` is the folder in which the files will be."""
    base = base_url.rstrip("/")
    entry = {
        "name": f"piuploader {version}",
        "description": "Plug a drive in, and every photo on it ends up in Immich, confirmed",
        "icon": f"{base}/piuploader.svg",
        "website": base,
        "url": f"{base}/{download.file}",
        "extract_size": download.extracted_bytes,
        "extract_sha256": download.extracted_sha256,
        "image_download_size": download.size_bytes,
        "release_date": released,
        # It is configured by piuploader.toml on the boot partition.
        "init_format": "none",
        "architecture": "armv8",
        "devices": list(DEVICES),
    }
    return json.dumps({"os_list": [entry]}, indent=2) + "\n"
