"""Whose work the one file holds: each component with its version, licence, sources, and what the linker took of it."""

import json
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import building
import debian_source
import make
from recipe import PACKAGE, VERSION

CPYTHON = VERSION.partition("-")[0]
PURL_DEBIAN = "pkg:deb/debian/{0}@{1}?arch=source"
# The words of this licence are long; what it asks of who links with libgcc is nothing, by its own exception.
EXCEPTION = re.compile(r"GCC RUNTIME LIBRARY EXCEPTION.*?requirements of the license of GCC\.\n", re.DOTALL)


class Component(NamedTuple):
    """`files` are the source archives, SHA-256 by name; `purl` says where they are. `taken` matches the linker's inputs
    that come from it, "" where it comes frozen, as bytes of ours. `texts` are the licence's, by file name."""

    name: str
    version: str
    licence: str  # an SPDX expression
    supplier: str
    purl: str
    home: str
    files: dict[str, str]
    taken: str
    texts: dict[str, str]
    cpe: str = ""


def all_of(python: Path, libraries: Path) -> list[Component]:
    """`python` and `libraries` are make.py's folders of these names."""
    return [cpython(python), hacl(python), musl(), libgcc(), click(libraries), psutil(libraries)]


def cpython(folder: Path) -> Component:
    source = folder / "source"
    return Component(
        name="cpython",
        version=VERSION,
        licence="PSF-2.0",
        supplier="Python Software Foundation, as patched by Debian",
        purl=PURL_DEBIAN.format(PACKAGE, VERSION),
        home="https://www.python.org/",
        files=debian_source.files(next(folder.glob("*.dsc"))),
        taken=r"/source/libpython3\.\d+\.a$|/loop-cpython-[^/]+/ceval\.o$",
        texts={
            "cpython.txt": (source / "LICENSE").read_text(),
            "cpython-incorporated-software.rst": (source / "Doc/license.rst").read_text(),
        },
        cpe=f"cpe:2.3:a:python:python:{CPYTHON}:*:*:*:*:*:*:*",
    )


def hacl(folder: Path) -> Component:
    """SHA-2, which CPython's source brings, and names in an SBOM of its own."""
    listed = json.loads((folder / "source/Misc/sbom.spdx.json").read_text())["packages"]
    version = next(one["versionInfo"] for one in listed if one["name"] == "hacl-star")
    head = (folder / "source/Modules/_hacl/Hacl_Hash_SHA2.c").read_text().partition("*/")[0]
    return Component(
        name="hacl-star",
        version=version,
        licence="MIT",
        supplier="HACL* Contributors",
        purl=f"pkg:github/hacl-star/hacl-star@{version}",
        home="https://hacl-star.github.io/",
        files=debian_source.files(next(folder.glob("*.dsc"))),
        taken=r"/source/Modules/_hacl/libHacl_Hash_SHA2\.a$",
        texts={"hacl-star.txt": re.sub(r"^(/\*| \*) ?", "", head, flags=re.MULTILINE)},
        cpe=f"cpe:2.3:a:hacl-star:hacl-star:{version}:*:*:*:*:*:*:*",
    )


def musl() -> Component:
    version = building.version_of("musl-dev")
    return Component(
        name="musl",
        version=version,
        licence="MIT",
        supplier="Rich Felker and contributors, as packaged by Debian",
        purl=PURL_DEBIAN.format("musl", version),
        home="https://musl.libc.org/",
        files=packaged("musl", version),
        taken=r"/[^/]*-linux-musl/(lib[cm]\.a|S?crt[1in]\.o)$",
        texts={"musl.txt": Path("/usr/share/doc/musl-dev/copyright").read_text()},
        cpe=f"cpe:2.3:a:musl-libc:musl:{version.partition('-')[0]}:*:*:*:*:*:*:*",
    )


def libgcc() -> Component:
    """What gcc adds to all that it compiles: functions for what the processor has no instruction for."""
    version = building.version_of("gcc-12")
    granted = EXCEPTION.search(Path("/usr/share/doc/libgcc-12-dev/copyright").read_text())
    assert granted
    return Component(
        name="libgcc",
        version=version,
        licence="GPL-3.0-or-later WITH GCC-exception-3.1",
        supplier="Free Software Foundation, as packaged by Debian",
        purl=PURL_DEBIAN.format("gcc-12", version),
        home="https://gcc.gnu.org/",
        files=packaged("gcc-12", version),
        taken=r"/gcc/[^/]*/12/(libgcc(_eh)?\.a|crt(begin|end)[ST]?\.o)$",
        texts={"libgcc.txt": granted[0]},
    )


def click(libraries: Path) -> Component:
    licence = next((libraries / "click").glob("click-*.dist-info/licenses/LICENSE.txt"))
    return from_pypi("click", "BSD-3-Clause", "Pallets", "https://click.palletsprojects.com/", "", licence)


def psutil(libraries: Path) -> Component:
    home, taken = "https://github.com/giampaolo/psutil", r"/psutil-[^/]*/psutil_[^/]*\.c\.o$"
    return from_pypi("psutil", "BSD-3-Clause", "Giampaolo Rodola", home, taken, libraries / "psutil/LICENSE")


def from_pypi(name: str, licence: str, supplier: str, home: str, taken: str, text: Path) -> Component:
    pinned = next(line for line in make.requirements() if line.startswith(f"{name}=="))
    version, _, digest = pinned.removeprefix(f"{name}==").partition(" --hash=sha256:")
    archive = f"{name}-{version}.tar.gz" if taken else f"{name}-{version}-py3-none-any.whl"
    return Component(
        name=name,
        version=version,
        licence=licence,
        supplier=supplier,
        purl=f"pkg:pypi/{name}@{version}",
        home=home,
        files={archive: digest.strip()},
        taken=taken,
        texts={f"{name}.txt": text.read_text()},
    )


def packaged(package: str, version: str) -> dict[str, str]:
    """The files of the Debian source of what is installed here; asked for once for each version."""
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]

    def ask(folder: Path) -> None:
        debian_source.download(folder, release, package, version, "--dsc-only")

    return debian_source.files(next(building.kept(f"source-of-{package}-{version}", ask).glob("*.dsc")))


# -- what the linker says -------------------------------------------------------------------------


def taken_by_linker(linker_map: Path) -> set[str]:
    """The files of which something is in the file: objects, and archives that a member was taken from."""
    text = linker_map.read_text(errors="replace")
    members = re.findall(r"^(/\S+\.a)\(", text.partition("\nDiscarded input sections")[0], re.MULTILINE)
    return {*members, *re.findall(r"^LOAD (\S+\.o)$", text, re.MULTILINE)}


def held(components: list[Component], linker_map: Path) -> Iterator[Component]:
    """Those that are in the file. SystemExit where something is in it that none of them answers for."""
    left = {name for name in taken_by_linker(linker_map) if not is_ours(name)}
    for component in components:
        found = {name for name in left if component.taken and re.search(component.taken, name)}
        left -= found
        if found or not component.taken:
            yield component
    if left:
        raise SystemExit(f"onefile: linked in, and of no component in components.py: {', '.join(sorted(left))}")


def is_ours(name: str) -> bool:
    return bool(re.search(r"/pydrop-onefile-[^/]*/[a-z_]+\.o$", name))
