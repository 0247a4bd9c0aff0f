"""Init mode. Two processes take part: the starter performs the start and becomes the command; init stays beside it.

init        init until the command runs: it reads the starter's request, drops privileges, lets the starter go on
starter     the starter's side of that, before it becomes the command
dialogue    the bytes that the two processes send to each other
forking     the fork between them
loop        init while the command runs: it feeds the kernel's reports to the lifecycle, and performs the actions
leftovers   the processes below init: finds and signals them
terminal    which process group has the terminal's foreground
readiness   how the command says that it is ready, and whom init tells
memory      whether the kernel killed a process for lack of memory

The states of init stand in the table of `pydrop.lifecycle`, which touches nothing.
"""
