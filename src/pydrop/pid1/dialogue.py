"""The words that init and the starter send to each other, on two pipes.

The child of `forking` is the starter. It makes the start and sends init a request. Init drops privileges, as the
starter is about to, verifies the drop, and only then lets the starter go on. The starter's exec closes its end of the
pipe, by which init learns that the command runs.

All signals are blocked in init. They wait in the kernel until the command is there to get them, so that none is lost
meanwhile. TERM, INT, HUP and QUIT are the exception: until the starter has sent its request, init passes them on to it
at once, and they end the start (see inherited).
"""

# From the starter to init
ASKED = b"a"  # the request; 4 bytes with the step's length, 4 with the starter's pipe descriptor + 1, the step follow
STARTER_FAILED = b"f"  # the command could not be run; the starter's exit code says why
# From init to the starter
GO = b"g"  # the command may run; where it is to speak sd_notify, a line with the address comes before this word
INIT_REFUSES = b"r"  # init failed to do its part, and has printed why; a newline follows
