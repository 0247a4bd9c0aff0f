"""pydrop, an entrypoint for container images: it sets the container up as root, drops privileges for good, and becomes
the program.
"""

__version__ = "0.2.0"
