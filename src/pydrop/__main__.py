"""``python3 -I -m pydrop``: for images where the door, a static program, cannot be used."""

from pydrop.entry import module

module()
