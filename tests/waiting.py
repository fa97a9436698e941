"""Wait for a condition, with a deadline."""

from time import monotonic, sleep


def wait_until(condition, *, within_s=10.0, what=""):
    """Return what the condition gave once it is true; fail after the deadline."""
    ends = monotonic() + within_s
    while not (found := condition()):
        if monotonic() > ends:
            raise AssertionError(f"still not so after {within_s} s: {what or condition}")
        sleep(0.01)
    return found
