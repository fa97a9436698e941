"""The use cases: the rules of `core` played against the sockets of `ports`."""
