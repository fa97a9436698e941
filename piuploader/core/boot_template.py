"""The piuploader.toml that the image brings: to be filled in with any editor."""

TEMPLATE = """\
# piuploader: fill in what is between the quotes, keep the quotes, save, and put the card back.
# The box reads this file when it is switched on, and empties the key and the password here.
# If something is wrong it says so in piuploader-error.txt beside this file, and by its light:
# three short flashes. You can change this file again at any time.

[server]
# The address of your Immich server, as in your browser.
url = ""
# Made in Immich under Account Settings > API Keys. It needs: asset.upload, asset.read.
api_key = ""

[wifi]
# Leave the name empty with a network cable.
# Two letters: DE, GB, US ... Without it Wi-Fi stays off.
country = ""
name = ""
password = ""

[box]
hostname = "piuploader"
# Cameras write local time: tell which.
timezone = "Europe/Berlin"
# The content of your .pub file, to log in from afar.
ssh_key = ""

[upload]
# Put everything into this album.
album = ""

[lights]
# The board's own LED always tells. Others: led, pwm, rgb, traffic, statuszero, traffichat.
kind = "none"
# The GPIO numbers of its pins.
pins = []
"""
