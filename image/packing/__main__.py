"""Pack a furnished root file system: `python -m image.packing ROOT OUT NAME EPOCH`.

Writes NAME.img, its block map, its packages and its SBOM into the folder OUT.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from image.packing import bmap, contents
from image.packing.card import FAT32_LBA, LINUX, make_card
from image.packing.filesystems import make_boot, make_data, make_root


def pack(root: Path, out: Path, name: str, *, epoch: int) -> Path:
    """Make everything that belongs to one image; return the image."""
    out.mkdir(parents=True, exist_ok=True)
    packages = contents.read_packages(root)
    with tempfile.TemporaryDirectory(prefix="pack.", dir=out) as folder:
        work = Path(folder)
        boot, base, data = work / "boot.fat", work / "root.ext4", work / "data.ext4"
        firmware = root / "boot" / "firmware"
        make_boot(firmware, boot, epoch=epoch)
        shutil.rmtree(firmware)  # in the image, the boot partition is mounted there
        firmware.mkdir(mode=0o755)
        (work / "data").mkdir()
        make_data(work / "data", data, epoch=epoch)
        make_root(root, base, epoch=epoch)
        image = out / f"{name}.img"
        make_card(image, [(FAT32_LBA, boot), (LINUX, base), (LINUX, data)])
    bmap.make_bmap(image, out / f"{name}.img.bmap")
    (out / f"{name}.packages").write_text(contents.listing(packages), encoding="utf-8")
    document = contents.sbom(packages, name="piuploader image", version=name, epoch=epoch)
    (out / f"{name}.cdx.json").write_text(document, encoding="utf-8")
    return image


if __name__ == "__main__":
    root_, out_, name_, epoch_ = sys.argv[1:]
    print(pack(Path(root_), Path(out_), name_, epoch=int(epoch_)))
