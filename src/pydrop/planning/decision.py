"""What every builder of a step goes by."""

from pydrop.model import AccountChange, Facts, Identity, Settings, Value


class Decision(Value):
    """What was asked, what the world is like, and what follows for the program: who it becomes, and what it keeps.

    `change` None: no account entry has to change. `warnings`: whoever builds a step may add one."""

    settings: Settings
    facts: Facts
    who: Identity
    change: AccountChange | None
    keep_caps: tuple[str, ...]
    umask: int | None
    no_new_privs: bool
    warnings: list[str]

    @property
    def changes_numbers(self) -> bool:
        """Whether the account is there already, and gets other numbers."""
        if self.change is None or self.change.former is None:
            return False
        former, account = self.change.former, self.change.account
        return (former.uid, former.gid) != (account.uid, account.gid)

    @property
    def makes_home(self) -> bool:
        """Whether the account is made, and so its home folder too."""
        is_new = self.change is not None and self.change.former is None and self.who.uid != 0
        return is_new and (self.settings.home is not None or self.facts.root_folder_writable)
