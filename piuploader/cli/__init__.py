"""The commands: parse, call, print. Each is loaded when it is called."""
