"""What the work on one volume came to: counts, and a few names that a person can look at."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .folder import Folder

NAMES_KEPT = 3  # names kept for each reason: a person needs a sample, and a log does not want the list
LONGEST_NAME = 200  # characters of a name that are kept; one path may be a megabyte


class Refusals:
    """How many entries were not changed for one reason, and the first of them by name."""

    def __init__(self) -> None:
        self.count = 0
        self.names: list[str] = []

    def add(self, name: str) -> None:
        self.count += 1
        if len(self.names) < NAMES_KEPT:
            self.names.append(
                name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME // 2]}…{name[-LONGEST_NAME // 2 :]}"
            )

    def add_below(self, folder: "Folder", name: str) -> None:
        """Add the entry `name` of a folder, or for "" the folder itself. Its path, which may be a megabyte long, is put
        together only where it is kept: else what somebody piles up in a deep tree would cost by its depth."""
        self.add("" if len(self.names) >= NAMES_KEPT else folder.path(name) or ".")

    def add_all(self, count: int, names: list[str]) -> None:
        """Add those that another process has met."""
        self.count += count
        self.names += names[: NAMES_KEPT - len(self.names)]

    def __str__(self) -> str:
        shown = ", ".join(self.names)
        return f"{shown} and {self.count - len(self.names)} more" if self.count > len(self.names) else shown


class VolumeReport:
    """Counts of entries of one volume. Names are relative to it; "." is the volume itself."""

    def __init__(self) -> None:
        self.begin()
        self.filesystem = ""  # its type, where something was refused
        self.created = False
        self.missing = False
        self.seconds = 0.0
        self.processes = 1  # that worked on it at once, at most
        self.waited = 0.0  # seconds for another container that worked on it
        self.replaced = ""  # why its place counts as replaced by somebody else, and it was left alone
        self.shown: tuple[int, int] | None = None  # the top's owner, as an idmapped mount shows it, left alone
        self.map_refused: OSError | None = None  # why the policy idmap could not be had
        self.roots = False  # the policy idmap, for a top that is root's: what the user creates would be root's
        self.mapped: tuple[int, int] | None = None  # the owner on the disk that shows as the user now
        self.busy = False  # that one still worked on it when waiting had taken too long

    def begin(self) -> None:
        """Nothing is done yet. A forked worker says so again: its copy has the counts of the process that forked it."""
        self.looked_at = 0  # entries whose owner was read, the top included
        self.changed = 0  # entries that got another owner or mode
        self.given = 0  # of those, the ones that got another owner
        self.refused: dict[int, Refusals] = {}  # errno -> the entries that could not be changed or looked into
        self.linked = Refusals()  # files of root's and of third users that have other names, left alone
        self.mounts = Refusals()  # mounts below, not entered
        self.idmapped = Refusals()  # idmapped mounts below that show another owner, not entered
        self.others = Refusals()  # under the policy idmap: entries of other owners, which show as nobody's

    @property
    def silent(self) -> bool:
        """Whether there is nothing to tell: all was right."""
        return not (self.changed or self.created or self.mapped or self.troubled)

    @property
    def troubled(self) -> bool:
        """Whether there is something to complain of."""
        left = self.linked.count or self.idmapped.count or self.others.count
        mapping = self.shown or self.map_refused or self.roots
        return bool(self.missing or self.replaced or self.busy or self.refused or left or mapping)

    def words(self, path: str, owner: str) -> str:
        """What was done to the volume at `path`, for the one line of a good start; "" where nothing was."""
        parts = ["made"] if self.created else []
        if self.given:
            parts.append(f"{self.given} of {self.looked_at} entries given to {owner}")
        if self.changed > self.given:
            parts.append(f"mode of {self.changed - self.given} set")
        if self.mapped:
            parts.append(f"{self.mapped[0]}:{self.mapped[1]} on the disk mapped to {owner}")
        if parts and self.mounts.count:
            parts.append(f"mounts below left alone ({self.mounts})")
        return f"{path}: {', '.join(parts)}" if parts else ""

    def count(self, looked_at: int, changed: int, given: int) -> None:
        """So many more entries were looked at, changed, and of those given to another owner."""
        self.looked_at += looked_at
        self.changed += changed
        self.given += given

    def note_processes(self, count: int) -> None:
        """So many processes worked on it at once, at most."""
        self.processes = count

    def note_wait(self, seconds: float, in_vain: bool) -> None:
        """Another container that worked on it was waited for; `in_vain`: it still does."""
        self.waited, self.busy = seconds, in_vain

    def note_replaced(self, why: str) -> None:
        self.replaced = why

    def note_roots(self) -> None:
        self.roots = True

    def note_filesystem(self, kind: str) -> None:
        self.filesystem = kind

    def refuse(self, errno: int, name: str) -> None:
        """Note an entry that could not be changed or looked into."""
        self.refused.setdefault(errno, Refusals()).add(name)

    def refuse_below(self, errno: int, folder: "Folder", name: str) -> None:
        """As `refuse`, of an entry of a folder; see Refusals.add_below."""
        self.refused.setdefault(errno, Refusals()).add_below(folder, name)

    def withdraw(self, errno: int) -> None:
        """What was refused with this error needed no change after all."""
        del self.refused[errno]
