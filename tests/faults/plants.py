"""What an attacker leaves where the program's user can write, for root's next start to run into.

Each plant puts files under `/mnt/plants`, which the user owns, and says which variables of the
image would lead there, and a command that falls for it. Planted code makes a file
`/mnt/marks/WHO.EUID`, and so tells who ran it.
"""

import py_compile
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

PLANTS = "/mnt/plants"
PYTHON = str(Path(sys.base_prefix, "bin/python3"))
STDLIB = sysconfig.get_paths()["stdlib"]
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"

IN_PYTHON = "import posix\nposix.close(posix.open('/mnt/marks/{0}.%d' % posix.geteuid(), 65, 0o666))\n"
IN_SHELL = "set -- $({{ /usr/bin/id -u; }} 2>/dev/null); : >/mnt/marks/{0}.$1\n"
IN_C = """\
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
static __attribute__((constructor)) void mark(void)
{
    char path[64];
    snprintf(path, sizeof path, "/mnt/marks/%s.%d", NAME, (int)geteuid());
    close(open(path, O_CREAT | O_WRONLY, 0666));
}
unsigned la_version(unsigned version) { return version; }
int gconv_init(void *step) { return step == 0; }
int gconv(void *step) { return step != 0; }
"""


class Plant:
    """`files` are texts by their path under `/mnt/plants`; `libraries` are shared objects by their path,
    with the name of the one they stand before; `bytecode` is compiled Python; `bite` is a command
    that runs the planted code."""

    def __init__(
        self,
        bite: "list[str]",
        env: "dict[str, str]",
        files: "dict[str, str] | None" = None,
        libraries: "dict[str, str] | None" = None,
        bytecode: "dict[str, str] | None" = None,
        cwd: str = "/",
        name: str = "mark",
    ) -> None:
        self.bite, self.env, self.cwd, self.name = bite, env, cwd, name
        self.files = files or {}
        self.libraries = libraries or {}
        self.bytecode = bytecode or {}

    def put(self, folder: Path) -> None:
        for path, text in self.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)
        for path, real in self.libraries.items():
            library(folder / path, self.name, real)
        for path, text in self.bytecode.items():
            compiled(folder / path, text)


def library(target: Path, name: str, real: str) -> None:
    """A shared object that leaves a mark when it is loaded. With `real`, it has that one's name and
    brings it along by its whole path, so that what needs it works on."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(_built(name, real))
    target.chmod(0o755)


@cache
def _built(name: str, real: str) -> bytes:
    """The bytes of such a shared object. One is planted by several tests, and gcc takes longer than they do."""
    with tempfile.TemporaryDirectory() as folder:
        source, target, stand_in = f"{folder}/plant.c", f"{folder}/plant.so", f"{folder}/stand-in.so"
        Path(source).write_text(IN_C)
        words = ["gcc", "-shared", "-fPIC", "-O1", f'-DNAME="{name}"', "-o", target, source]
        if real:
            soname = f"-Wl,-soname,{_path_of(real)}"
            subprocess.run(["gcc", "-shared", "-nostdlib", soname, "-o", stand_in, "-x", "c", "/dev/null"], check=True)
            words += [f"-Wl,-soname,{real}", "-Wl,--no-as-needed", stand_in]
        subprocess.run(words, check=True)
        return Path(target).read_bytes()


def compiled(target: Path, text: str) -> None:
    """Bytecode that Python takes as it is, without a look at the source it stands for."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source = target.with_suffix(".source")
    source.write_text(text)
    py_compile.compile(str(source), str(target), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def _path_of(soname: str) -> str:
    listing = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    return next(line.split(" => ")[1] for line in listing.splitlines() if line.split()[:1] == [soname])


def python_module(name: str) -> Plant:
    """One module on PYTHONPATH."""
    return Plant(
        bite=[PYTHON, "-c", f"import {name}"],
        env={"PYTHONPATH": f"{PLANTS}/path"},
        files={f"path/{name}.py": IN_PYTHON.format(name)},
        name=name,
    )


def shell_tool(name: str) -> Plant:
    """One program in front of the PATH."""
    return Plant(
        bite=["/usr/bin/env", name],
        env={"PATH": f"{PLANTS}/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        files={f"bin/{name}": "#!/bin/sh\n" + IN_SHELL.format(name)},
        name=name,
    )


def needed_library(soname: str) -> Plant:
    """A library that Python, or python-prctl, is linked to."""
    return Plant(
        bite=[f"{sys.prefix}/bin/python3", "-c", "import _prctl"],
        env={"LD_LIBRARY_PATH": f"{PLANTS}/lib"},
        libraries={f"lib/{soname}": soname},
        name=soname,
    )


# Not `os`, `stat`, `codecs`: CPython has these frozen in itself, so a file of that name is never read.
PYTHON_MODULES = (
    "encodings signal traceback tomllib json ctypes _prctl pydrop click psutil sitecustomize usercustomize".split()
)
SHELL_TOOLS = "python3 sh readlink env id chown mount ldd uname dirname groupmod".split()

ALL: "dict[str, Plant]" = {
    **{f"PYTHONPATH {name}": python_module(name) for name in PYTHON_MODULES},
    "PYTHONPATH package encodings": Plant(
        bite=[PYTHON, "-c", "pass"],
        env={"PYTHONPATH": f"{PLANTS}/path"},
        files={"path/encodings/__init__.py": IN_PYTHON.format("mark")},
    ),
    "PYTHONHOME": Plant(
        bite=[PYTHON, "-c", "pass"],
        env={"PYTHONHOME": f"{PLANTS}/home"},
        files={f"home/lib/{VERSION}/encodings/__init__.py": IN_PYTHON.format("mark")},
    ),
    "PYTHONSTARTUP": Plant(
        bite=[PYTHON, "-i"],
        env={"PYTHONSTARTUP": f"{PLANTS}/startup.py"},
        files={"startup.py": IN_PYTHON.format("mark")},
    ),
    "PYTHONWARNINGS": Plant(
        bite=[PYTHON, "-c", "pass"],
        env={"PYTHONWARNINGS": "error::planted.Bad", "PYTHONPATH": f"{PLANTS}/path"},
        files={"path/planted.py": IN_PYTHON.format("mark") + "class Bad(Warning): pass\n"},
    ),
    "PYTHONPYCACHEPREFIX": Plant(
        bite=[PYTHON, "-c", "import tomllib"],
        env={"PYTHONPYCACHEPREFIX": f"{PLANTS}/cache"},
        bytecode={f"cache{STDLIB}/tomllib/__init__.{sys.implementation.cache_tag}.pyc": IN_PYTHON.format("mark")},
    ),
    "PYTHONUSERBASE .pth": Plant(
        bite=[PYTHON, "-c", "pass"],
        env={"PYTHONUSERBASE": f"{PLANTS}/base"},
        files={f"base/lib/{VERSION}/site-packages/planted.pth": IN_PYTHON.format("mark").replace("\n", ";")},
    ),
    "HOME's user site .pth": Plant(
        bite=[PYTHON, "-c", "pass"],
        env={"HOME": PLANTS},
        files={f".local/lib/{VERSION}/site-packages/planted.pth": IN_PYTHON.format("mark").replace("\n", ";")},
    ),
    "HOME's user site usercustomize": Plant(
        bite=[PYTHON, "-c", "pass"],
        env={"HOME": PLANTS},
        files={f".local/lib/{VERSION}/site-packages/usercustomize.py": IN_PYTHON.format("mark")},
    ),
    "the working folder": Plant(
        bite=[PYTHON, "-c", "import signal"],
        env={},
        files={f"cwd/{name}.py": IN_PYTHON.format("mark") for name in PYTHON_MODULES},
        cwd=f"{PLANTS}/cwd",
    ),
    **{f"PATH {name}": shell_tool(name) for name in SHELL_TOOLS},
    "ENV": Plant(
        bite=["/bin/sh", "-i", "-c", ":"],
        env={"ENV": f"{PLANTS}/env.sh"},
        files={"env.sh": IN_SHELL.format("mark")},
    ),
    "BASH_ENV": Plant(
        bite=["/bin/bash", "-c", ":"],
        env={"BASH_ENV": f"{PLANTS}/env.sh"},
        files={"env.sh": IN_SHELL.format("mark")},
    ),
    "BASH_FUNC_": Plant(
        bite=["/bin/bash", "-c", "echo"],
        env={"BASH_FUNC_echo%%": "() { " + IN_SHELL.format("mark").strip() + "; }"},
    ),
    "LD_PRELOAD": Plant(
        bite=["/bin/true"],
        env={"LD_PRELOAD": f"{PLANTS}/planted.so"},
        libraries={"planted.so": ""},
    ),
    "LD_AUDIT": Plant(
        bite=["/bin/true"],
        env={"LD_AUDIT": f"{PLANTS}/planted.so"},
        libraries={"planted.so": ""},
    ),
    **{f"LD_LIBRARY_PATH {name}": needed_library(name) for name in ("libm.so.6", "libcap.so.2")},
    "GCONV_PATH": Plant(
        bite=["/usr/bin/iconv", "-f", "PLANTED", "-t", "UTF-8", "/etc/group"],
        env={"GCONV_PATH": f"{PLANTS}/gconv", "LOCPATH": f"{PLANTS}/locale"},
        files={"gconv/gconv-modules": "module PLANTED// INTERNAL planted 1\nmodule INTERNAL PLANTED// planted 1\n"},
        libraries={"gconv/planted.so": ""},
    ),
}
