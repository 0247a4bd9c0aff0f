"""The entrypoint of container images: put the container in order, drop root for good, run the program."""

__version__ = "0.1.0"
