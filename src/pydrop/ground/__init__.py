"""What root executes or obeys from at the next start: pydrop's own code, and the ground that no setting gives away.

`own_code` checks at every start that it is root's alone. `own_ground` tells a start, and `pydropctl`, which folders a
volume, a run-dir or a home must not be; it is loaded only where one is named.
"""
