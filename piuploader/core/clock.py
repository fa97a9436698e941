"""Whether an import may begin, as the clock stands.

A Pi has no clock of its own: after a power cut it may believe in 1970, or
in the day of its last shutdown, until the network tells the time. Certificates
cannot be judged then, and the account of a session would bear a false date.
"""

OLDEST_YEAR = 2024  # this program did not exist before


def must_wait(*, year: int, is_synchronised: bool, waited_s: float, longest_wait_s: float) -> str:
    """Return why an import has to wait, "" if it may begin.

    A clock that is surely wrong is waited for without end. One that is only not
    synchronised (a network without the internet) gets its time, and then we go on.
    """
    if year < OLDEST_YEAR:
        return "waits for the time: the clock is not set, and no time server answers"
    if is_synchronised or waited_s >= longest_wait_s:
        return ""
    return "waits for the time to be synchronised"
