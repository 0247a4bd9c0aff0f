"""Finds an account or a group among parsed entries. The first match counts, as for the C library's look-ups."""

from pydrop.errors import BadSetting, shortened
from pydrop.model import Account, Group

LONGEST_COMPARED = 64  # letters of a name that is compared with others, since that takes long
LARGEST_DIFFERENCE = 8  # letters
MOST_COMPARED = 2000  # names


def account_named(known: list[Account], name: str) -> Account | None:
    """The first account of that name."""
    return next((account for account in known if account.name == name), None)


def account_numbered(known: list[Account], uid: int) -> Account | None:
    """The first account with that uid."""
    return next((account for account in known if account.uid == uid), None)


def group_named(known: list[Group], name: str) -> Group | None:
    """The first group of that name."""
    return next((group for group in known if group.name == name), None)


def group_numbered(known: list[Group], gid: int) -> Group | None:
    """The first group with that gid."""
    return next((group for group in known if group.gid == gid), None)


def group_or_error(name: str, source: str, known: list[Group]) -> Group:
    """The first group of that name. Where there is none, raises BadSetting that suggests the nearest name."""
    group = group_named(known, name)
    if group is None:
        raise BadSetting(
            f"{source}: the image has no group {shortened(repr(name))}"
            + nearest(name, [group.name for group in known]),
            f"write a number instead, or make the group in the Dockerfile: RUN groupadd {shortened(name)}",
        )
    return group


def free_group_name(known: list[Group], gid: int) -> str:
    """An invented name for a gid that has none: ``gid44``."""
    name = f"gid{gid}"
    while group_named(known, name) is not None:
        name += "_"
    return name


def nearest(name: str, names: list[str]) -> str:
    """``", did you mean 'video'?"``, or "" where no name is near."""
    from difflib import get_close_matches  # only on the way to an error

    if len(name) > LONGEST_COMPARED:
        return ""
    candidates = [each for each in names if abs(len(each) - len(name)) <= LARGEST_DIFFERENCE]
    near = get_close_matches(name, candidates[:MOST_COMPARED], 1)
    return f", did you mean {near[0]!r}?" if near else ""
