"""``python3 -I -m pydrop``: for images where the launcher, a static program, cannot be used."""

from pydrop.entry import module

module()
