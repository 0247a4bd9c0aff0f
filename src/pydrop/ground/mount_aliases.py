"""Other names of a folder: bind mounts show the same files at several places of one namespace."""

from pydrop.mountinfo import DEVICE, POINT, ROOT, Rows, plain


class MountAliases:
    """The mounts of a namespace. Where none are known, there are no other names."""

    def __init__(self, table: Rows) -> None:
        # a mount is (its point, the device, the path in the filesystem that is shown there)
        self._mounts = [(plain(row[POINT]), row[DEVICE], plain(row[ROOT])) for row in table]

    def of(self, path: str) -> list[str]:
        """All paths below which files of `path` are shown by other mounts; `path` is without links.

        A path of the result is the same folder, or one that lies in it."""
        device, place = self._place(path)
        found = []
        for point, other, root in self._mounts:
            if other != device:
                continue
            if root == place or root.startswith(f"{place}/") or place == "/":
                found.append(point)
            elif root == "/" or place.startswith(f"{root}/"):
                found.append(_joined(point, place[len(root) :] if root != "/" else place))
        return [name for name in found if name != path]

    def below(self, path: str) -> list[str]:
        """The mount points that lie in `path`."""
        return [point for point, _, _ in self._mounts if point.startswith(f"{path}/")]

    def parts(self, above: str, path: str) -> bool:
        """Whether `path` is on a mount of its own that lies in `above`."""
        return any(
            [f"{path}/".startswith(f"{point}/") and point.startswith(f"{above}/") for point, _, _ in self._mounts]
        )

    def _place(self, path: str) -> tuple[bytes, str]:
        """The device of a path, and its path in that filesystem."""
        best = ("/", b"", "/")
        for mount in self._mounts:  # of several mounts at one place the last one counts
            point = mount[0]
            if len(point) >= len(best[0]) and (point in (path, "/") or path.startswith(f"{point}/")):
                best = mount
        point, device, root = best
        return device, _joined(root, path if point == "/" else path[len(point) :])


def _joined(above: str, below: str) -> str:
    return ("" if above == "/" else above) + ("" if below == "/" else below) or "/"
