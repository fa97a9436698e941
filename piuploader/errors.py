"""Every error a person can meet, and what to do about it.

    PiUploaderError          exit  1
    ├── UsageError                  2  see --help
    ├── ConfigError                78  fix the file, then start again
    ├── LedgerError                73  make room for, or access to, the state folder
    ├── DriveError                 74  try another port, cable or drive
    │   ├── DriveRemoved           74  it was pulled out while in use
    │   ├── FileUnreadable         74  this one file cannot be read
    │   └── FileChanged            74  this one file changed while it was read
    └── ServerError                69  look at the server's own log
        ├── ServerUnreachable      75  will be tried again
        ├── ServerBusy             75  will be tried again
        ├── ServerFull             69  make room on the server
        ├── ServerTooOld           69  update the server
        ├── ServerRefusedKey       77  make a new API key
        │   └── PermissionMissing  77  give the key this permission
        │       └── NotAnAdmin     77  use an administrator's key
        └── FileRefused            69  the server will not take this one file
            └── FileTooLarge       69  a proxy limits the size of one upload

The exit codes are those of sysexits.h, so that systemd and scripts can
tell "try again later" (75) from "a person is needed". Bugs are not in
this tree: they are RuntimeErrors, and they end the service loudly.

A run that ends in order has its own codes: 0 all safe, 65 some files
failed, 70 the account does not balance (a bug), 130 interrupted, 143
terminated. 1: the output could not be written.
"""

from typing import ClassVar

EXIT_OK = 0
EXIT_NO_OUTPUT = 1
EXIT_SOME_FAILED = 65  # EX_DATAERR
EXIT_BUG = 70  # EX_SOFTWARE
EXIT_INTERRUPTED = 130  # as shells report SIGINT
EXIT_TERMINATED = 143  # as shells report SIGTERM


class Terminated(KeyboardInterrupt):
    """SIGTERM came: what is open is closed in order, as after Ctrl-C."""


class PiUploaderError(Exception):
    """Base of all errors that piuploader raises on purpose."""

    exit_code: ClassVar[int] = 1
    hint: ClassVar[str] = ""


class UsageError(PiUploaderError):
    """The command was called with something that it cannot use."""

    exit_code = 2
    hint = "See --help."


class ConfigError(PiUploaderError):
    """The configuration cannot be used."""

    exit_code = 78


class LedgerError(PiUploaderError):
    """The state folder cannot be used."""

    exit_code = 73
    hint = "Make room on the disk that holds the state folder, and check who owns it."


class DriveError(PiUploaderError):
    """The drive cannot be read."""

    exit_code = 74
    hint = "Try another port, cable or drive."


class DriveRemoved(DriveError):
    """The drive was pulled out while in use."""

    hint = "Plug it in again: what was sent is safe, the rest will follow."


class FileUnreadable(DriveError):
    """One file cannot be read; others may be fine."""


class FileChanged(DriveError):
    """One file changed between two looks at it."""

    hint = "Let the program that writes it finish, then run again."


class ServerError(PiUploaderError):
    """The server answered, but not with what was asked for."""

    exit_code = 69
    hint = "Look at the server's own log."


class ServerUnreachable(ServerError):
    """No answer came: no network, no server, or it was cut off."""

    exit_code = 75
    hint = "Check the address, the network and that the server runs; then try again."


class ServerBusy(ServerError):
    """The server asks for patience (429, 502, 503, 504) or stumbles (500)."""

    exit_code = 75
    hint = "The server is overloaded or restarting: try again later."

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ServerFull(ServerError):
    """The server or the user's quota has no room left."""

    hint = "Make room on the server, or raise the user's storage quota."


class ServerTooOld(ServerError):
    """The server lacks a call that piuploader needs."""

    hint = "Update Immich to version 2.0 or later."


class ServerRefusedKey(ServerError):
    """The API key is wrong or was revoked."""

    exit_code = 77
    hint = "Make a new API key in Immich (Account Settings > API Keys) and run `piuploader setup`."


class PermissionMissing(ServerRefusedKey):
    """The key is good, but may not do this."""

    hint = "Give the key this permission in Immich (Account Settings > API Keys)."


class NotAnAdmin(PermissionMissing):
    """The key is good, but its owner is no administrator."""

    hint = "Make the key in an administrator's account."


class FileRefused(ServerError):
    """The server will not take this one file; others may be fine."""


class FileTooLarge(FileRefused):
    """Something on the way limits the size of one upload (413)."""

    hint = "Raise the limit of the reverse proxy, or use the server's address inside the network."
