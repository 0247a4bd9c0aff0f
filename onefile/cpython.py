"""CPython, built once for each recipe and architecture: its library, and the Python of the same source that freezes."""

import hashlib
import os
import subprocess
from pathlib import Path

import debian_source
from building import HERE, digest, kept, run, version_of
from recipe import COMPILE, CONFIGURE, DSC_SHA256, LINK, OFF, PACKAGE, PYTHON, RELEASE, VERSION
from toolchain import Toolchain


def folder_of(tools: Toolchain) -> Path:
    """Where it is in the cache, made where it is not there. Another architecture's is built by the machine's own."""
    own = Toolchain()
    freezer = None if tools.own else freezing(folder_of(own))
    tools.prepare()
    return kept(f"cpython-{recipe(tools)}", lambda folder: build(folder, tools, freezer))


def freezing(python: Path) -> Path:
    """The Python that its build made for itself; it knows the standard library beside it."""
    return python / "source/_bootstrap_python"


def recipe(tools: Toolchain) -> str:
    """A name for all that the build depends on."""
    packages = [version_of(name) for name in tools.versions_of]
    files = [(HERE / name).read_text() for name in ("musl_extra.h", "cc", "build_python")]
    words = (VERSION, DSC_SHA256, COMPILE, LINK, CONFIGURE, tools.configure, tools.site, OFF, packages, files)
    return f"{tools.architecture}-{digest(repr(words).encode())}"


def build(folder: Path, tools: Toolchain, freezer: Path | None) -> None:
    """`freezer` is the Python that another architecture's build runs."""
    source = fetch_source(folder)
    site = folder / "config.site"
    off = "".join([f"py_cv_module_{name}=n/a\n" for name in OFF])
    site.write_text(f"{off}ac_cv_func_close_range=yes\n{tools.site}")
    # pkg-config would find libraries of the other libc.
    given = {"CFLAGS": COMPILE, "LDFLAGS": LINK, "OPT": "-DNDEBUG", "PKG_CONFIG": "false"}
    given |= {"MODULE_BUILDTYPE": "static", "CONFIG_SITE": str(site), **reproducible(source)}
    given |= tools.environment(freezer)
    run("./configure", *CONFIGURE, *tools.configure, cwd=source, env=os.environ | given)
    with (source / "pyconfig.h").open("a") as header:
        header.write((HERE / "musl_extra.h").read_text())
    run(
        "make",
        f"-j{len(os.sched_getaffinity(0))}",
        f"LDFLAGS={LINK}",
        f"libpython{PYTHON}.a",
        cwd=source,
        env=os.environ | given,
    )
    for left in source.rglob("*.o"):
        left.unlink()


def reproducible(source: Path) -> dict[str, str]:
    """The time that stands in `sys.version`: that of Debian's last change."""
    words = ["dpkg-parsechangelog", "-l", str(source / "debian/changelog"), "-S", "Timestamp"]
    return {"SOURCE_DATE_EPOCH": subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()}


def fetch_source(folder: Path) -> Path:
    """Debian's source, patched, in `folder`/source; this version's digest is checked."""
    try:
        dsc = debian_source.download(folder, RELEASE, PACKAGE, VERSION)
    except SystemExit as error:
        raise SystemExit(f"{error}: name its newer one in recipe.py") from error
    if hashlib.sha256(dsc.read_bytes()).hexdigest() != DSC_SHA256:
        raise SystemExit(f"onefile: {dsc.name} is not what recipe.py says")
    run("dpkg-source", "--extract", dsc.name, "source", cwd=folder)
    return folder / "source"
