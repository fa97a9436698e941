"""Films: when to send them, and whether to read them before or while sending.

A film that is read before it is sent is read twice, for no Pi keeps it in
memory in between. Read while it is sent, it is read once, but then nobody
could ask the server whether it has it already. So it depends on what is
likelier to be cheaper.
"""

# The window between hash and upload (64 MB) must hold a few files, or the drive waits for the wire
# and the wire for the drive: with 48 MB, films of 5 to 45 MB went at 74 MB/s instead of 104.
LARGE_BYTES = 24 * 1024 * 1024


def is_large(size: int) -> bool:
    """Tell whether a file is too large to be read twice for the price of once."""
    return size > LARGE_BYTES


def hash_first(
    *, duplicates: int, checked: int, read_bytes_per_s: float, send_bytes_per_s: float
) -> bool:
    """Tell whether to ask the server before a large film is sent.

    Reading it first costs size / read speed, always. Sending it blindly costs
    size / send speed, when it was a duplicate. The chance of that is judged by
    the files of this drive that were checked already. With no speed known
    yet: send, which is right for a new card at home.
    """
    if read_bytes_per_s <= 0 or send_bytes_per_s <= 0:
        return False
    chance = (duplicates + 0.5) / (checked + 1)  # half and half while nothing is known
    return chance > send_bytes_per_s / read_bytes_per_s
