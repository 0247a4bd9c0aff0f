"""Init mode: the process that stays, and what it does while one command runs.

dialogue    what this process and the one that makes the start say to each other
staying     this process, init, until the command runs
asking      the other one's side of it
forking     the fork between them, where the launcher has not made it
loop        from then on: feeds what the kernel tells to the lifecycle, and does its actions
leftovers   the processes below it
terminal    who has the foreground
readiness   how a command says that it is ready, and who is told
memory      whether the kernel killed for memory
"""
