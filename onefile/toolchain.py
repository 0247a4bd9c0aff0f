"""The compilers that make the file: for this machine's architecture, or for the other one.

musl's gcc is Debian's for the machine's own architecture. For the other one Debian has a gcc, and musl's library as a
package of that architecture, which is unpacked into the cache and not installed.
"""

import re
from pathlib import Path

import debian_source
from building import CACHE, HERE, kept, native, run, version_of

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}  # Debian's names, and those of GNU and the kernel
NEEDED = "musl-tools gcc make dpkg-dev linux-libc-dev binutils xz-utils debian-archive-keyring".split()


class Toolchain:
    """What compiles for one architecture. `own` says whether that is the machine's."""

    def __init__(self, architecture: str = "") -> None:
        self.architecture = architecture or native()
        self.machine = MACHINES[self.architecture]
        self.own = self.architecture == native()
        self.prefix = "" if self.own else f"{self.machine}-linux-gnu-"

    @property
    def needed(self) -> list[str]:
        """Debian's packages."""
        others = [f"gcc-{self.machine}-linux-gnu", f"linux-libc-dev-{self.architecture}-cross"]
        return NEEDED + ([] if self.own else others)

    @property
    def versions_of(self) -> list[str]:
        """The packages whose versions say what comes out."""
        own = ["gcc-12", "musl-dev", "linux-libc-dev", "binutils"]
        return own if self.own else [*own, f"gcc-12-{self.machine}-linux-gnu", f"binutils-{self.machine}-linux-gnu"]

    def prepare(self) -> None:
        """musl for the other architecture, and the kernel's headers, which musl does not bring."""
        if not self.own:
            kept(self._musl.name, lambda folder: fetch_musl(self.architecture, folder))
        kept(self._headers.name, self._link_headers)

    @property
    def cc(self) -> list[str]:
        """The compiler; the kernel's headers come last, and nothing else of the machine's."""
        headers = ("-idirafter", str(self._headers))
        if self.own:
            return [str(HERE / "cc"), "musl-gcc", *headers]
        return [str(HERE / "cc"), f"{self.prefix}gcc", *headers, f"-specs={self._musl}/musl-gcc.specs"]

    def environment(self, python: "Path | None") -> dict[str, str]:
        """Variables for CPython's configure and make; another architecture's build has a `python` of the machine's."""
        named = {"CC": " ".join(self.cc)}
        if not self.own:
            named |= {name: f"{self.prefix}{name.lower()}" for name in ("AR", "RANLIB", "READELF")}
            named["PYDROP_BUILD_PYTHON"] = str(python)
        return named

    @property
    def configure(self) -> list[str]:
        """Words for CPython's configure."""
        build = f"--build={MACHINES[native()]}-linux-gnu"
        host = f"--host={self.machine}-linux-musl"
        return [] if self.own else [host, build, f"--with-build-python={HERE / 'build_python'}"]

    @property
    def site(self) -> str:
        """What configure cannot try where it cannot run what it has compiled."""
        tried = ("ac_cv_file__dev_ptmx=yes", "ac_cv_file__dev_ptc=no", "ac_cv_buggy_getaddrinfo=no")
        return "" if self.own else "".join([f"{line}\n" for line in tried])

    @property
    def _headers(self) -> Path:
        return CACHE / f"headers-{self.architecture}"

    @property
    def _musl(self) -> Path:
        return CACHE / f"musl-{self.architecture}-{version_of('musl-dev')}"

    def _link_headers(self, folder: Path) -> None:
        for name, place in self._places().items():
            (folder / name).symlink_to(place)

    def _places(self) -> dict[str, str]:
        if not self.own:
            folder = f"/usr/{self.machine}-linux-gnu/include"
            return {name: f"{folder}/{name}" for name in ("linux", "asm-generic", "asm")}
        asm = f"/usr/include/{self.machine}-linux-gnu/asm"
        return {"linux": "/usr/include/linux", "asm-generic": "/usr/include/asm-generic", "asm": asm}


def fetch_musl(architecture: str, folder: Path) -> None:
    """musl's library and headers for another architecture, in `folder`; its specs name it there."""
    codename = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), re.MULTILINE)
    assert codename, "Debian's /etc/os-release names its release"
    apt = debian_source.apt(folder, debian_source.entries("deb", codename[1]), f"{native()},{architecture}")
    run(*apt, "download", f"musl-dev:{architecture}={version_of('musl-dev')}", cwd=folder)
    run("dpkg-deb", "-x", str(next(folder.glob("*.deb"))), str(folder))
    specs = next(folder.glob("usr/lib/*/musl-gcc.specs"))
    place = str(folder).removesuffix(".unfinished")  # `kept` gives it this name when it is complete
    (folder / specs.name).write_text(specs.read_text().replace("/usr/", f"{place}/usr/"))
