"""Packing the card: tables, maps and lists, on small files."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image.packing.bmap import NO_CHECKSUM, make_bmap
from image.packing.card import ALIGNED, FAT32_LBA, LINUX, data_ranges, make_card
from image.packing.contents import listing, read_packages, sbom
from image.packing.imager import Download, os_list

needs_sfdisk = pytest.mark.skipif(not shutil.which("sfdisk"), reason="sfdisk is not installed")
STATUS = """\
Package: zlib1g
Status: install ok installed
Architecture: arm64
Source: zlib (1:1.3)
Version: 1:1.3.dfsg+really1.3.1-1+b1
Description: compression
 and more of it

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: adduser
Status: install ok installed
Architecture: all
Version: 3.152
"""


def holed(path, blocks, *, block=4096):
    """Write a file that has data only in these blocks."""
    with path.open("wb") as file:
        file.truncate((max(blocks, default=0) + 3) * block)
        for number in blocks:
            file.seek(number * block)
            file.write(b"\x01" * block)
    return path


@needs_sfdisk
def test_the_parts_lie_where_the_table_says(tmp_path):
    """Byte for byte, on the card's erase blocks."""
    boot = holed(tmp_path / "boot", [0, 5])
    root = holed(tmp_path / "root", [1, 700])
    card = tmp_path / "card.img"

    make_card(card, [(FAT32_LBA, boot), (LINUX, root)])

    table = subprocess.run(
        ["sfdisk", "--json", card], check=True, capture_output=True, text=True
    ).stdout
    parts = json.loads(table)["partitiontable"]["partitions"]
    assert [part["type"] for part in parts] == [FAT32_LBA, LINUX]
    data = card.read_bytes()
    for part, source in zip(parts, (boot, root), strict=True):
        start = part["start"] * 512
        assert start % ALIGNED == 0
        assert data[start : start + source.stat().st_size] == source.read_bytes()


@needs_sfdisk
def test_two_cards_of_the_same_parts_are_the_same(tmp_path):
    """The table has no time and no chance in it."""
    part = holed(tmp_path / "part", [3])
    cards = [tmp_path / "one.img", tmp_path / "two.img"]

    for card in cards:
        make_card(card, [(LINUX, part)])

    assert cards[0].read_bytes() == cards[1].read_bytes()


@given(blocks=st.sets(st.integers(0, 40)))
def test_every_byte_that_is_not_zero_is_mapped(tmp_path_factory, blocks):
    """A card written by the map alone is the image."""
    path = holed(tmp_path_factory.mktemp("map") / "image", sorted(blocks))

    with path.open("rb") as file:
        ranges = data_ranges(file.fileno(), path.stat().st_size)

    assert {n for first, last in ranges for n in range(first, last + 1)} == blocks
    assert ranges == sorted(set(ranges))


def test_the_block_map_holds_its_own_checksum_and_those_of_its_ranges(tmp_path):
    """As bmaptool checks them before and while it writes."""
    image = holed(tmp_path / "card.img", [0, 1, 9])
    bmap = tmp_path / "card.img.bmap"

    make_bmap(image, bmap)

    text = bmap.read_text(encoding="ascii")
    tree = ET.fromstring(text)
    own = tree.findtext("BmapFileChecksum").strip()
    blank = text.replace(own, NO_CHECKSUM)
    assert hashlib.sha256(blank.encode()).hexdigest() == own
    assert tree.findtext("MappedBlocksCount").strip() == "3"
    data = image.read_bytes()
    for part in tree.iter("Range"):
        first, _, last = part.text.strip().partition("-")
        piece = data[int(first) * 4096 : (int(last or first) + 1) * 4096]
        assert part.get("chksum") == hashlib.sha256(piece).hexdigest()


@pytest.fixture
def root(tmp_path):
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS, encoding="utf-8")
    doc = tmp_path / "usr/share/doc/adduser"
    doc.mkdir(parents=True)
    (doc / "copyright").write_text(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
        "Files: *\nLicense: GPL-2+\n",
        encoding="utf-8",
    )
    return tmp_path


def test_lists_what_is_installed_and_nothing_that_is_gone(root):
    """One line for each, in order."""
    assert listing(read_packages(root)).splitlines() == [
        "adduser\t3.152\tall\tadduser",
        "zlib1g\t1:1.3.dfsg+really1.3.1-1+b1\tarm64\tzlib",
    ]


def test_the_sbom_names_every_package_by_its_address_and_licence(root):
    """CycloneDX, and the same each time."""
    packages = read_packages(root)

    made = [sbom(packages, name="image", version="1", epoch=1767225600) for _ in range(2)]

    document = json.loads(made[0])
    assert made[0] == made[1]
    assert document["metadata"]["timestamp"] == "2026-01-01T00:00:00Z"
    assert document["components"][0]["licenses"] == [{"license": {"name": "GPL-2+"}}]
    assert document["components"][1]["purl"] == (
        "pkg:deb/debian/zlib1g@1%3A1.3.dfsg%2Breally1.3.1-1%2Bb1?arch=arm64&distro=trixie"
    )


def test_imagers_list_has_what_imager_asks_for():
    """Names and kinds as in the schema that Raspberry Pi publishes with Imager 2."""
    download = Download("card.img.xz", 190_000_000, 1_400_000_000, "ab" * 32)

    text = os_list(
        download, base_url="https://example.org/dl/", version="1.0", released="2026-01-01"
    )

    (entry,) = json.loads(text)["os_list"]
    kinds = {
        "name": str, "description": str, "icon": str, "url": str, "extract_size": int,
        "extract_sha256": str, "image_download_size": int, "release_date": str, "devices": list,
    }  # fmt: skip
    assert all(isinstance(entry[key], kind) for key, kind in kinds.items())
    assert entry["url"] == "https://example.org/dl/card.img.xz"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["release_date"])


def test_imagers_list_fits_imagers_schema():
    """Against the schema itself, where it was put: IMAGER_SCHEMA names the file."""
    path = os.environ.get("IMAGER_SCHEMA")
    if not path:
        pytest.skip("IMAGER_SCHEMA is not set")
    jsonschema = pytest.importorskip("jsonschema")
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        schema = json.load(file)
    text = os_list(
        Download("a.img.xz", 1, 2, "ab" * 32), base_url="https://example.org", version="1",
        released="2026-01-01",
    )  # fmt: skip

    jsonschema.validate(json.loads(text), schema)
