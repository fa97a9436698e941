"""Lets `python -m piuploader.sandbox` start a sandbox."""

import typer

from piuploader.sandbox.command import sandbox

if __name__ == "__main__":
    typer.run(sandbox)
