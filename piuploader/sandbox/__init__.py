"""A small server that behaves like Immich, for tests, demos and first steps.

It takes what Immich takes, refuses what Immich refuses in the same words,
works off its job queues in time, and fails on demand. It shares no code
with the uploader, so that neither hides the other's mistakes.

    from piuploader.sandbox import Sandbox, SandboxProcess
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from piuploader.sandbox.handle import Sandbox, SandboxProcess

__all__ = ["Sandbox", "SandboxProcess"]


def __getattr__(name: str) -> Any:
    """Load the handles when they are asked for: the command line starts without aiohttp."""
    if name not in __all__:
        raise AttributeError(name)
    from piuploader.sandbox import handle  # noqa: PLC0415

    return getattr(handle, name)
