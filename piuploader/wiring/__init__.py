"""The only place that knows both the sockets and the world: here the parts are put together.

desk.py       one server and one ledger, ready to import folders
filing.py     albums, tags and stacks of what is safe
upload.py     the imports of one command
tuning.py     the tuner beside an import
queues.py     the server's queues and settings, for their commands and beside an import
drives.py     imports for the daemon
lamps.py      lights
appliance.py  the daemon with all that it shows itself by
"""
