from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.films import LARGE_BYTES, hash_first, is_large

MB = 1_000_000


def test_a_new_card_on_a_fast_network_is_sent_at_once():
    assert not hash_first(
        duplicates=0, checked=200, read_bytes_per_s=150 * MB, send_bytes_per_s=110 * MB
    )


def test_a_known_card_is_read_first():
    """Nine of ten files were there already: a film probably is, too."""
    assert hash_first(
        duplicates=180, checked=200, read_bytes_per_s=150 * MB, send_bytes_per_s=110 * MB
    )


def test_a_slow_uplink_makes_reading_cheap():
    assert hash_first(
        duplicates=10, checked=200, read_bytes_per_s=150 * MB, send_bytes_per_s=2 * MB
    )


def test_nothing_is_read_twice_while_no_speed_is_known():
    assert not hash_first(duplicates=5, checked=5, read_bytes_per_s=0, send_bytes_per_s=0)


@given(
    duplicates=st.integers(0, 1000),
    more=st.integers(0, 1000),
    read=st.floats(1, 1e9),
    send=st.floats(1, 1e9),
)
def test_more_duplicates_never_speak_against_reading_first(duplicates, more, read, send):
    checked = 2000
    speeds = {"read_bytes_per_s": read, "send_bytes_per_s": send}
    if hash_first(duplicates=duplicates, checked=checked, **speeds):
        assert hash_first(duplicates=duplicates + more, checked=checked, **speeds)


def test_what_is_large():
    assert not is_large(LARGE_BYTES)
    assert is_large(LARGE_BYTES + 1)
