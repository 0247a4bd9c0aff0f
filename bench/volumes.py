"""The cases about volumes. `right`: every entry has the owner asked for; `wrong`: none has, the folders neither.

All start with the same tree on a disk, warm, and put back before each run; what was put back is written before the
run begins, since nobody's run should pay for it.
"""

from collections.abc import Callable, Sequence
from functools import partial

from commands import picky, pydrop, recursive
from results import Alone, AtMost, Linear, Memory, OnTop, Result, Target
from rooms import HUNDRED, OTHER, SMALL, WANTED, Room
from timing import Command
from trees import Tree, check, own

BOX = ("busybox",)
RIGHT = (
    AtMost(1, 1 / 2.0, "2.0 times faster than chown -R"),
    AtMost(2, 1 / 1.2, "1.2 times faster than find … -exec chown"),
)
WRONG = (
    AtMost(1, 1.0, "not slower than chown -R"),
    AtMost(2, 1 / 2.0, "2 times faster than find … -exec chown"),
)
MEMORY = Memory(60e6, "under 60 MB in the largest of pydrop's processes")
SLOW = AtMost(1, 1 / 8, "8 times faster than chown -R")
GROWTH = (1_000, 10_000, 100_000, 1_000_000)
SELDOM = (1, 1, 3, 5)  # of the rounds, how many run the volume of this size


def right(room: Room) -> Result:
    tree = room.large()
    title = f"a volume of {tree.entries:,} entries, all owned rightly"
    commands = _all(room, tree, _rightly(tree))
    _seldom(commands[3:])
    return Result("right", title, commands, RIGHT)


def wrong(room: Room) -> Result:
    tree = room.large()
    title = f"a volume of {tree.entries:,} entries, all owned wrongly"
    commands = _all(room, tree, _wrongly(tree))
    _seldom(commands[3:])
    return Result("wrong", title, commands, WRONG)


def wrong_shared(room: Room) -> Result:
    """Folders in which others than their owner may rename what root is about to change."""
    tree = room.large()
    title = f"the {tree.entries:,} entries owned wrongly, in folders that their group may write"
    commands = _three(room, tree, _wrongly(tree))
    tree.folders(0o775)
    return Result("wrong-shared", title, commands)


def wrong_group(room: Room) -> Result:
    tree = room.large()
    title = f"the {tree.entries:,} entries with the right user and a wrong group"
    return Result("wrong-group", title, _three(room, tree, _wrongly(tree, WANTED)))


def wide_right(room: Room) -> Result:
    tree = room.wide()
    title = f"{tree.entries:,} entries in one folder, all owned rightly"
    commands = _all(room, tree, _rightly(tree))
    _seldom(commands[3:])
    return Result("wide-right", title, commands, (*RIGHT, MEMORY))


def wide_wrong(room: Room) -> Result:
    tree = room.wide()
    title = f"{tree.entries:,} entries in one folder, all owned wrongly"
    commands = _all(room, tree, _wrongly(tree))
    _seldom(commands[2:])  # they take half a minute each, with what puts the tree back
    return Result("wide-wrong", title, commands, (*WRONG, MEMORY))


def restart(room: Room) -> Result:
    """A start that finds its large volume as the last one left it."""
    tree = room.wide()
    _rightly(tree)
    title = f"a volume of {tree.entries:,} entries, which its top says are right"
    ours = pydrop(room, [tree.path], ":on-root-mismatch")
    return Result("restart", title, [ours, pydrop(room)], [OnTop(0.001, "under 1 ms on top of a bare start")], base=1)


def small_right(room: Room) -> Result:
    tree = room.tree("small", SMALL)
    return _small("small-right", f"what {SMALL} entries cost, all owned rightly", room, tree, _rightly(tree))


def small_wrong(room: Room) -> Result:
    tree = room.tree("small", SMALL)
    return _small("small-wrong", f"what {SMALL} entries cost, all owned wrongly", room, tree, _wrongly(tree))


def _small(name: str, title: str, room: Room, tree: Tree, reset: Callable[[], None]) -> Result:
    with_it = [pydrop(room, [tree.path]), recursive(tree.path), recursive(tree.path, box=BOX)]
    targets: list[Target] = [Alone(), AtMost(1, 1.0, "not slower than chown -R as a process")]
    commands = [*_prepared(room, [tree.path], reset, with_it), _bare(room, reset)]
    return Result(name, title, commands, targets, base=3)


def hundred_right(room: Room) -> Result:
    return _hundred("hundred-right", "rightly", room, WANTED)


def hundred_wrong(room: Room) -> Result:
    return _hundred("hundred-wrong", "wrongly", room, OTHER)


def _hundred(name: str, how: str, room: Room, owner: int) -> Result:
    volumes = [room.tree(f"hundred-{number}", SMALL).path for number in range(HUNDRED)]
    reset = partial(own, owner, owner, *volumes)
    compared = [pydrop(room, volumes), recursive(*volumes), recursive(*volumes, box=BOX)]
    commands = _prepared(room, volumes, reset, compared)
    title = f"what {HUNDRED} volumes of {SMALL} entries cost, all owned {how}"
    target = AtMost(1, 2.0, "at most twice as long as one chown -R of them all")
    return Result(name, title, [*commands, _bare(room, reset)], [target], base=3)


def growth_right(room: Room) -> Result:
    return _growth("growth-right", "rightly", room, _rightly)


def growth_wrong(room: Room) -> Result:
    return _growth("growth-wrong", "wrongly", room, _wrongly)


def _growth(name: str, how: str, room: Room, reset: Callable[[Tree], Callable[[], None]]) -> Result:
    trees = [room.wide(entries) for entries in GROWTH]
    commands = []
    for tree, every in zip(trees, SELDOM, strict=True):
        commands += _prepared(room, [tree.path], reset(tree), [pydrop(room, [tree.path])])
        commands[-1].every = every
    linear = Linear(
        3, 2, 1.3, f"an entry of {trees[3].entries:,} takes at most 1.3 times as long as of {trees[2].entries:,}"
    )
    sizes = [tree.entries for tree in trees]
    return Result(
        name,
        f"what an entry costs on top of a bare start, all owned {how}",
        [*commands, pydrop(room)],
        [linear],
        4,
        sizes,
    )


def slow_right(room: Room) -> Result:
    return _slow("slow-right", "rightly", room, WANTED)


def slow_wrong(room: Room) -> Result:
    return _slow("slow-wrong", "wrongly", room, OTHER)


def _slow(name: str, how: str, room: Room, owner: int) -> Result:
    tree = room.slow()
    tree.mount(owner)
    gain = tree.parallel()
    commands = [pydrop(room, [tree.path]), recursive(tree.path), picky(tree.path)]
    commands += [recursive(tree.path, box=BOX), picky(tree.path, box=BOX)]
    _prepared(room, [tree.path], lambda: tree.mount(owner), commands, before_check=tree.hurry)
    title = f"{tree.entries:,} entries, 1 ms a call (16 threads look {gain:.1f} times as fast as one), owned {how}"
    return Result(name, title, commands, [SLOW])


# -- what the cases have in common ---------------------------------------------------------------------


def _bare(room: Room, reset: Callable[[], None]) -> Command:
    """A start without volumes, which the others are compared with: after the same work of others, since that leaves
    the processors' caches cold."""
    command = pydrop(room)
    command.reset = partial(_again, room, reset)
    return command


def _again(room: Room, reset: Callable[[], None]) -> None:
    reset()
    room.forget()


def _seldom(commands: Sequence[Command]) -> None:
    """Every third round only: no target is about them, or they take too long."""
    for command in commands:
        command.every = 3


def _rightly(tree: Tree) -> Callable[[], None]:
    """The tree is right, and stays so: there is nothing to put back."""
    tree.folders(0o755)
    tree.own(WANTED, WANTED)
    return tree.settle


def _wrongly(tree: Tree, uid: int = OTHER) -> Callable[[], None]:
    tree.folders(0o755)
    return lambda: tree.own(uid, OTHER)


def _three(room: Room, tree: Tree, reset: Callable[[], None]) -> list[Command]:
    return _prepared(room, [tree.path], reset, [pydrop(room, [tree.path]), recursive(tree.path), picky(tree.path)])


def _all(room: Room, tree: Tree, reset: Callable[[], None]) -> list[Command]:
    boxed = _prepared(room, [tree.path], reset, [recursive(tree.path, box=BOX), picky(tree.path, box=BOX)])
    return [*_three(room, tree, reset), *boxed]


def _prepared(
    room: Room,
    volumes: Sequence[str],
    reset: Callable[[], None],
    commands: list[Command],
    before_check: Callable[[], None] = lambda: None,
) -> list[Command]:
    """The commands, with the volumes put back before each run, and looked at after the first."""

    def checked() -> None:
        before_check()
        check(WANTED, WANTED, *volumes)

    for command in commands:
        command.reset, command.check = partial(_again, room, reset), checked
    return commands
