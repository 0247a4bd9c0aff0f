"""Other names of a folder: bind mounts show the same files at several places of one namespace."""

import posix as os

from pydrop.encoding import decoded

PIECE = 65536  # bytes of mountinfo to read at once; the kernel may give less


class MountAliases:
    """The mounts of this process's namespace as they were when this was made (proc_pid_mountinfo(5)).

    Without /proc/self/mountinfo there are no other names."""

    def __init__(self) -> None:
        text = _text()  # a mount is (its point, the device, the path in the filesystem that is shown there)
        words = [line.split(" ", 5) for line in text.split("\n") if line]
        self._mounts = [(point, device, root) for _, _, device, root, point, _ in words]
        if "\\" in text:
            self._mounts = [(_plain(point), device, _plain(root)) for point, device, root in self._mounts]

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

    def _place(self, path: str) -> tuple[str, str]:
        """The device of a path, and its path in that filesystem."""
        best = ("/", "", "/")
        for mount in self._mounts:  # of several mounts at one place the last one counts
            point = mount[0]
            if len(point) >= len(best[0]) and (point in (path, "/") or path.startswith(f"{point}/")):
                best = mount
        point, device, root = best
        return device, _joined(root, path if point == "/" else path[len(point) :])


def _joined(above: str, below: str) -> str:
    return ("" if above == "/" else above) + ("" if below == "/" else below) or "/"


def _plain(name: str) -> str:
    """The name that the kernel wrote with octal numbers for blanks, tabs, newlines and backslashes."""
    for number, letter in (("040", " "), ("011", "\t"), ("012", "\n"), ("043", "#"), ("134", "\\")):
        name = name.replace(f"\\{number}", letter)
    return name


def _text() -> str:
    try:
        file = os.open("/proc/self/mountinfo", os.O_RDONLY)
    except OSError:
        return ""
    try:
        parts = []
        while part := os.read(file, PIECE):
            parts.append(part)
        return decoded(b"".join(parts))
    finally:
        os.close(file)
