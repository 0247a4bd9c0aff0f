"""Start of ``python3 -I -B -m pydrop``, for images in which the launcher (a static C program) cannot run."""

import sys

from pydrop import called_as, inherited

called_as.begin(inherited.without_launcher(sys.argv))
