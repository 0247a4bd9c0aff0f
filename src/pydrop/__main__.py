"""Start of ``python3 -I -B -m pydrop``, for images in which the launcher (a static C program) cannot run."""

from pydrop.entry import module

module()
