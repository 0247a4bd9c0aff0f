"""How much of a walk is done, as far as that can be known before its end."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .folder import Folder

DEPTH = 8  # folders of the way that matter: below, a part of a part of a part


def part(way: "list[Folder]", lent: "Callable[[Folder], int] | None") -> float:
    """An estimate, 0 to 1: every folder counts as much as those beside it.

    `lent` says how many folders of one are with workers, which count as not done. 0 where the top was not read to its
    end, or has no folders.
    """
    done = 0.0
    for folder in reversed(way[:DEPTH]):
        inside = folder is not way[-1]  # of one folder in it only a part is done
        known = folder.found > 0 and not folder.has_entries()
        left = len(folder.folders) + (lent(folder) if lent else 0) + inside
        done = (folder.found - left + done) / folder.found if known else 0.0
    return min(max(done, 0.0), 1.0)
