"""What the process that stays, init, and the one that makes the start say to each other, on two pipes.

The launcher forks before there is any Python (launcher.c). The child asks for what the settings say; init gives up root
as the child is about to, and proves it, and only then lets it go on. The child's exec closes its end of the pipe, which
tells that the command runs.

Signals: all are blocked in init and so wait in the kernel until the command is there to get them; none is lost
to the time between. But for TERM, INT, HUP and QUIT: until the child has asked, these go to it at once, and end the
start (see inherited).
"""

NOT_WANTED = b"n"  # nothing asks for init mode; 10 bytes follow: whether SIGCHLD came ignored, which are blocked
ASKED = b"a"  # 4 bytes each follow: the length of the step, and the pipe's descriptor in the child, plus 1; the step
STARTER_FAILED = b"f"  # the command could not be run; the child's exit code says why
GO = b"g"  # where the command is to speak sd_notify, a line with the address comes before
INIT_REFUSES = b"r"  # init could not do its part, and has said why; the end of a line follows
