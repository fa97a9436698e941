"""The options of `upload`, and those that several commands share.

An option that was not given is None, so that the environment and the file
can speak; what they all leave open has its default in `config.tables`.
"""

from pathlib import Path
from typing import Annotated

import typer

Server = Annotated[
    str | None, typer.Option(metavar="URL", help="The server's address. [PIUPLOADER_SERVER]")
]
ApiKeyFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A file that holds the API key. [PIUPLOADER_API_KEY_FILE]"),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration. [PIUPLOADER_CONFIG]"),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]

Folders = Annotated[
    list[Path], typer.Argument(metavar="FOLDER", help="A mounted drive, or any folder.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Ask the server what it lacks; send nothing.")
]
Jobs = Annotated[
    str | None, typer.Option(metavar="auto|N", help="Uploads at a time. [default: auto]")
]
Include = Annotated[
    list[str] | None, typer.Option(metavar="GLOB", help="Take only what fits; repeatable.")
]
Exclude = Annotated[
    list[str] | None, typer.Option(metavar="GLOB", help="Leave out what fits; repeatable.")
]
Extension = Annotated[
    list[str] | None, typer.Option(metavar="EXT", help="Take only these: jpg,heic; repeatable.")
]
Since = Annotated[
    str | None, typer.Option(metavar="DATE", help="From this day on: 2024, 2024-06, 2024-06-30.")
]
Until = Annotated[
    str | None, typer.Option(metavar="DATE", help="Up to this day, month or year, and with it.")
]
Date = Annotated[
    str | None,
    typer.Option(metavar="RANGE", help="A day, month or year, or two with a comma between."),
]
MinSize = Annotated[str | None, typer.Option(metavar="SIZE", help="Leave out smaller files: 50kB.")]
OnErrors = Annotated[
    str | None,
    typer.Option(
        metavar="stop|continue|N",
        help="When files fail; N: stop after more than N. [default: continue]",
    ),
]
Album = Annotated[
    str | None, typer.Option(metavar="NAME", help="Put all into this album; made if needed.")
]
AlbumFromFolder = Annotated[
    bool | None, typer.Option(help="Put each into an album named like its folder.")
]
AlbumFromPath = Annotated[
    bool | None, typer.Option(help="Put each into an album named like all folders above it.")
]
AlbumJoiner = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Between these folders. [default: ' / ']")
]
Stack = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND",
        help="Stack raw, heic, bursts, edited, or all; raw=raw chooses the cover. [default: off]",
    ),
]
Tag = Annotated[
    list[str] | None, typer.Option(metavar="TAG", help="Tag all: Trips/Rome; repeatable.")
]
TagFolders = Annotated[bool | None, typer.Option(help="Tag each with its folders: DCIM/100CANON.")]
TagSession = Annotated[
    bool | None, typer.Option(help="Tag all with the drive and the day, below piuploader/.")
]
DateFromName = Annotated[
    bool | None,
    typer.Option(help="Take the date from names like IMG_20240101_101010, if there is no EXIF."),
]
BandwidthLimit = Annotated[
    str | None, typer.Option(metavar="RATE", help="No faster than this in a second: 5MB.")
]
RestoreTrashed = Annotated[
    bool | None, typer.Option(help="Take what lies in the server's trash out of it.")
]
TimeZone = Annotated[
    str | None,
    typer.Option(metavar="ZONE", help="Of cameras' clocks: FAT drives, names. [default: ours]"),
]
Wait = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="For a server that is away: 90s, 10m. [default: 10m]"),
]
Policy = Annotated[
    str | None,
    typer.Option(
        metavar="staged|pause|slow|off",
        help="What the server's own queues do meanwhile. [default: staged]",
    ),
]
Stay = Annotated[
    bool | None,
    typer.Option(help="Stay until the server has made its thumbnails (on a terminal: yes)."),
]
JsonLines = Annotated[bool, typer.Option("--json", help="Write JSON lines to standard output.")]
TunerLog = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write down how the number of uploads was chosen."),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose", "-v", count=True, show_default=False, help="Tell of each file; twice: of all."
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Only failures, and whether the drive may go.")
]
