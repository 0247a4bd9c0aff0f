"""The value that each builder of a step gets: what was asked, the facts, and what was decided for the program."""

from pydrop.capabilities import mask_of
from pydrop.model import AccountChange, Facts, Identity, Record, Settings, Value

TO_GIVE = mask_of(("chown", "fowner"))  # capabilities that giving a folder of its own mode takes


class Decision(Value):
    """A start's settings and facts, and what follows for the program: who it becomes, and what it keeps.

    `change` None: no account entry has to change. A builder may add a warning to `warnings`."""

    settings: Settings
    facts: Facts
    who: Identity
    change: AccountChange | None
    keep_caps: tuple[str, ...]
    umask: int | None
    no_new_privs: bool
    bounding_set: str
    warnings: list[str]

    @property
    def changes_numbers(self) -> bool:
        """Whether an existing account gets another uid or gid."""
        if self.change is None or self.change.former is None:
            return False
        former, account = self.change.former, self.change.account
        return (former.uid, former.gid) != (account.uid, account.gid)

    @property
    def empties_bounding_set(self) -> bool:
        """Whether the drop empties the bounding set. A program that stays root gets its capabilities out of it."""
        return self.bounding_set == "empty" and self.who.uid != 0

    @property
    def makes_home(self) -> bool:
        """Whether a home folder is created, because the account is. Without `home` it must be possible to give it."""
        is_new = self.change is not None and self.change.former is None and self.who.uid != 0
        possible = self.facts.homes_writable and self.facts.credentials.effective & TO_GIVE == TO_GIVE
        return is_new and (self.settings.home is not None or possible)


def record_of(made: Decision) -> Record:
    """By which a second `pydrop` does without the other steps."""
    return Record(
        instance=made.facts.instance,
        identity=made.who,
        umask=made.umask,
        keep_caps=made.keep_caps,
        no_new_privs=made.no_new_privs,
        bounding_set=made.bounding_set,
        environment=(),
    )
