"""For all tests."""

from hypothesis import settings

# These machines are shared and slow at times: how long an example takes says nothing.
settings.register_profile("piuploader", deadline=None)
settings.load_profile("piuploader")
