"""Boot the very image in emulation, and prove the whole promise. See `__main__`."""
