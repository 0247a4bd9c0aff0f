"""Opens a volume as the volume engine would open it, for subcommands that look at the volume first."""

from pydrop.perform.ownership import volume_path


def vetted(path: str) -> volume_path.OpenVolume:
    """The opened volume, which the caller must close. Raises what volume_path.opened and volume_path.vet raise."""
    opened = volume_path.opened(path, create=False)
    try:
        volume_path.vet(opened, volume_path.Surroundings())
    except BaseException:
        opened.close()
        raise
    return opened
