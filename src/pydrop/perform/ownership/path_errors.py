"""Paths that are none of a volume: the words for each."""

from pydrop.errors import BadSetting, Untrusted


def not_absolute(path: str) -> BadSetting:
    return BadSetting(f"the volume {path!r} is not an absolute path", 'write it from the root on, as in "/data"')


def system(path: str, system: str) -> BadSetting:
    is_what = "is part of the system" if system == path else f"is {system}, part of the system"
    return BadSetting(
        f"the volume {path} {is_what}: its owner could become root",
        "name the folder below it that holds the program's data",
    )


def upwards(path: str) -> Untrusted:
    return Untrusted(
        f"the volume {path} goes up again from a folder that others than root can move", "write its path without .."
    )


def planted(path: str, name: str, target: str) -> Untrusted:
    return Untrusted(
        f"the volume {path} leads through the symlink {name} to {target}, which others than root could have made",
        "write the path that is meant, without the symlink",
    )
