"""Opens a volume as the volume engine would open it, for subcommands that look at the volume first."""

from pydrop.errors import PydropError, Untrusted
from pydrop.perform.ownership import complaints, replaced_place, volume_path

SOMEBODY = 1  # any uid but root's


def vetted(path: str) -> volume_path.OpenVolume:
    """The opened volume, which the caller must close. Raises what volume_path.opened and volume_path.vet raise.

    One that the engine leaves alone, since its place was replaced, is none that it refuses."""
    opened, around = volume_path.opened(path, create=False), volume_path.Surroundings()
    try:
        if not replaced_place.why(opened, SOMEBODY, around):
            volume_path.vet(opened, around)
    except BaseException:
        opened.close()
        raise
    finally:
        around.close()
    return opened


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
