"""What is in the image: a list of its packages for people, and an SBOM for programs."""

import datetime as dt
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

NAMESPACE = uuid.UUID("5e1f7a1e-7069-4570-8c6f-616465720004")


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package of Debian."""

    name: str
    version: str
    architecture: str
    source: str
    licences: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Return the package's address, as purl-spec has it."""
        version = quote(self.version, safe="")
        return f"pkg:deb/debian/{self.name}@{version}?arch={self.architecture}&distro=trixie"


def read_packages(root: Path) -> tuple[Package, ...]:
    """Return what dpkg says is installed, by name."""
    status = (root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    found = []
    for fields in _paragraphs(status):
        if fields.get("Status") != "install ok installed":
            continue
        source = re.match(r"\S+", fields.get("Source", fields["Package"]))
        found.append(
            Package(
                name=fields["Package"],
                version=fields["Version"],
                architecture=fields["Architecture"],
                source=source[0] if source else fields["Package"],
                licences=_licences(root / "usr/share/doc" / fields["Package"] / "copyright"),
            )
        )
    return tuple(sorted(found, key=lambda each: (each.name, each.architecture)))


def listing(packages: Sequence[Package]) -> str:
    """Return one line for each package: name, version, architecture, source."""
    return "".join(
        f"{each.name}\t{each.version}\t{each.architecture}\t{each.source}\n" for each in packages
    )


def sbom(packages: Sequence[Package], *, name: str, version: str, epoch: int) -> str:
    """Return the packages as CycloneDX 1.5 in JSON."""
    components: list[Mapping[str, Any]] = [
        {
            "type": "library",
            "bom-ref": each.purl,
            "name": each.name,
            "version": each.version,
            "purl": each.purl,
            "licenses": [{"license": {"name": licence}} for licence in each.licences],
            "properties": [{"name": "debian:source", "value": each.source}],
        }
        for each in packages
    ]
    number = uuid.uuid5(NAMESPACE, json.dumps(components, sort_keys=True))
    made = dt.datetime.fromtimestamp(epoch, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{number}",
        "version": 1,
        "metadata": {
            "timestamp": made,
            "component": {"type": "operating-system", "name": name, "version": version},
        },
        "components": components,
    }
    return json.dumps(document, indent=1) + "\n"


def _paragraphs(text: str) -> Iterator[Mapping[str, str]]:
    for paragraph in text.split("\n\n"):
        fields = {}
        for line in paragraph.splitlines():
            if line[:1] not in (" ", "\t", "") and ":" in line:
                key, _, value = line.partition(":")
                fields[key] = value.strip()
        if fields:
            yield fields


def _licences(path: Path) -> tuple[str, ...]:
    """Return the short names in a machine-readable copyright file (DEP 5)."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    if "Format:" not in text[:400]:
        return ()
    return tuple(sorted(set(re.findall(r"^License:[ \t]*(\S.*?)\s*$", text, flags=re.MULTILINE))))
