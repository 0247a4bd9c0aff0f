"""Opens a volume as the volume engine would open it, for subcommands that look at the volume first."""

import os

from pydrop import inspection
from pydrop.errors import PydropError, Untrusted
from pydrop.model import Settings, Start, Volume
from pydrop.perform.ownership import complaints, replaced_place, volume_path

SOMEBODY = 1  # any uid but root's


def surroundings(others: tuple[str, ...] = ()) -> volume_path.Surroundings:
    """What lies around all volumes here; `others` are their paths. The caller must close it.

    Own ground is that of a start with this environment. Settings that cannot be read are none of this subcommand's:
    then hooks are where they are by default."""
    lines = tuple([f"{name}={value}" for name, value in os.environ.items()])
    start = Start(name="pydrop", arguments=("true",), environment=lines, ignored=(), blocked=())
    try:
        hooks = inspection.read_settings(start).hooks
    except PydropError:
        hooks = Settings.hooks
    return volume_path.Surroundings(named=(hooks, start.name, lines), others=others)


def vetted(path: str, around: "volume_path.Surroundings | None" = None, across: bool = False) -> volume_path.OpenVolume:
    """The opened volume, which the caller must close. Raises what volume_path.opened and volume_path.vet raise.

    One that the engine leaves alone, since its place was replaced, is none that it refuses."""
    opened, around = volume_path.opened(path, create=False), around or volume_path.Surroundings()
    try:
        if not replaced_place.why(opened, SOMEBODY, around):
            volume_path.vet(opened, around, across)
    except BaseException:
        opened.close()
        raise
    finally:
        around.close()
    return opened


def vet_all(todo: list[Volume], around: volume_path.Surroundings) -> None:
    """Raise what the engine would raise for one of the volumes, before any of them is changed.

    A folder that `create` is still to make is asked for by its name, as a start asks."""
    for volume in todo:
        if volume.policy == "never":
            continue
        try:
            vetted(volume.path, around, volume.across_mounts).close()
        except FileNotFoundError:
            around.ground().require_other("the volume", volume.path)
        except OSError:
            pass  # the volume's report tells the error


def replaced(path: str, uid: int) -> PydropError | None:
    """What a start says of a volume that it leaves alone, since others than root can have put there what is in its
    place; None for any other, and for one that is not there."""
    try:
        opened, around = volume_path.opened(path, create=False), volume_path.Surroundings()
    except Untrusted as error:
        return error
    except (OSError, PydropError):
        return None
    try:
        why = replaced_place.why(opened, uid, around)
    except OSError:
        return None
    finally:
        opened.close()
        around.close()
    told = complaints.replaced(path, why)
    return Untrusted(told.problem, told.remedy) if why else None
