"""Names as proc_pid_mountinfo(5) writes them."""


def plain(name: str) -> str:
    """The name itself: blank, tab, newline and backslash are written as three octal digits behind a backslash."""
    first, *rest = name.split("\\")
    return first + "".join([chr(int(part[:3], 8)) + part[3:] for part in rest])
