"""Run the command with `python -m piuploader`."""

from piuploader.cli.main import main

if __name__ == "__main__":
    main()
