"""What the image `pydrop` holds, as `make dist` lays it out."""

import hashlib
import importlib
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.onefile.conftest import ROOT

sys.path.append(str(ROOT / "onefile"))
components, dist = importlib.import_module("components"), importlib.import_module("dist")

SHARE = "usr/share"
DOC = f"{SHARE}/doc/pydrop"
MEMBERS = {"click", "cpython", "hacl-star", "libgcc", "musl", "psutil"}


def laid_out(folder: Path, **more: str) -> Path:
    done = subprocess.run(
        [ROOT / "onefile/dist.py", folder], env=os.environ | more, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return laid_out(tmp_path_factory.mktemp("dist") / "tree")


@pytest.fixture(scope="module")
def sbom(tree: Path) -> "dict[str, Any]":
    found: dict[str, Any] = json.loads((tree / DOC / "pydrop.cdx.json").read_text())
    return found


def entries(tree: Path) -> "dict[str, tuple[str, int, int, int, float]]":
    """Name -> mode, owner, group, names, time."""
    found = {}
    for path in [tree, *sorted(tree.rglob("*"))]:
        status = path.lstat()
        kept = (stat.filemode(status.st_mode), status.st_uid, status.st_gid, status.st_mtime)
        found[str(path.relative_to(tree))] = (kept[0], kept[1], kept[2], status.st_nlink * path.is_file(), kept[3])
    return found


# -- the files ------------------------------------------------------------------------------------


def test_every_entry_is_roots_alone_of_one_time_and_nothing_else_is_there(tree: Path) -> None:
    found = entries(tree)
    assert {(owner, group) for _, owner, group, _, _ in found.values()} == {(0, 0)}
    assert len({time for *_, time in found.values()}) == 1
    assert {mode for mode, *_ in found.values()} == {"drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--", "lrwxrwxrwx"}
    assert [name for name, (mode, *_) in found.items() if mode == "-rwxr-xr-x"] == ["usr/bin/pydrop"]
    assert (tree / "usr/bin/pydropctl").readlink() == Path("pydrop")
    assert {name.split("/")[1] for name in found if "/" in name} == {"bin", "share"}
    assert not {"gosu", "tini", "su-exec"} & {Path(name).name for name in found}, "an image may have the real one"


def test_it_is_the_same_each_time_whatever_the_umask_is_and_an_epoch_changes_its_time_alone(
    tree: Path, tmp_path: Path
) -> None:
    before = os.umask(0o077)
    try:
        dated = laid_out(tmp_path / "dated", SOURCE_DATE_EPOCH="1234567890")
    finally:
        os.umask(before)
    assert {time for *_, time in entries(dated).values()} == {1234567890.0}
    assert [(name, *kept[:4]) for name, kept in entries(dated).items()] == [
        (name, *kept[:4]) for name, kept in entries(tree).items()
    ]
    for name in entries(tree):
        if (tree / name).is_file():
            content = (tree / name).read_bytes()
            if name.endswith(".cdx.json"):
                content = re.sub(rb'"timestamp": ".*"', b'"timestamp": "2009-02-13T23:31:30+00:00"', content)
            assert content == (dated / name).read_bytes(), name


def test_the_manual_pages_are_those_of_the_source(tree: Path) -> None:
    pages = {path.name: path.read_bytes() for path in (tree / SHARE / "man").glob("man[0-9]/*.[0-9]")}
    assert pages == {path.name: path.read_bytes() for path in (ROOT / "docs/man").glob("*.[0-9]")}
    assert all(path.parent.name == f"man{path.suffix[1:]}" for path in (tree / SHARE / "man").glob("*/*"))


# -- completion -----------------------------------------------------------------------------------


def env(tree: Path) -> "dict[str, str]":
    return {"PATH": f"{tree}/usr/bin:/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}


def told(tree: Path, *words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, env=env(tree), check=False, timeout=20)
    assert done.stderr == "", words
    return done.stdout


@pytest.mark.parametrize("name", ["pydrop", "pydropctl"])
def test_bash_finds_it_by_the_commands_name(name: str, tree: Path) -> None:
    """As bash-completion loads it: it sources the file of that name, which then registers a function."""
    file = tree / SHARE / "bash-completion/completions" / name
    assert told(tree, "bash", "--norc", "-c", f'source "{file}"; complete -p {name}').endswith(f" {name}\n")


def test_fish_finds_it_by_the_commands_name(tree: Path) -> None:
    folder = tree / SHARE / "fish/vendor_completions.d"
    asked = f"set fish_complete_path {folder}; complete -C 'pydropctl ch'; complete -C 'pydrop --chown-p'"
    assert [row.split("\t")[0] for row in told(tree, "fish", "--no-config", "-c", asked).splitlines()] == [
        *("check", "chown", "--chown-policy")
    ]


@pytest.mark.parametrize("place", ["site-functions", "vendor-completions"])
def test_zsh_finds_it_by_the_commands_name_and_takes_every_option(place: str, tree: Path) -> None:
    """compinit reads the first line of each file; the file is run when the name is completed first."""
    folder = tree / SHARE / "zsh" / place
    begin = f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -D -u; print $_comps[pydrop] $_comps[pydropctl]"
    first = "_arguments() { print -rl -- $@ }; _pydrop"
    said = told(tree, "zsh", "-fc", f"{begin}; {first}; {first}")
    assert said.splitlines()[0] == "_pydrop _pydropctl"
    assert said.count("--chown-policy=[") == 2, "at the first and at each later time"
    ask = "_describe() { print -r -- ${(P)3} }; compadd() { : }; words=(pydropctl ch) CURRENT=2; _pydropctl"
    assert re.search(r"check:.* chown:", told(tree, "zsh", "-fc", f"{begin}; {ask}"))


# -- licences and the SBOM ------------------------------------------------------------------------


def test_each_component_has_its_licence_and_its_sources(tree: Path, sbom: "dict[str, Any]") -> None:
    found = {one["name"]: one for one in sbom["components"]}
    assert set(found) == MEMBERS
    texts = {path.name: path.read_text() for path in (tree / DOC / "licenses").iterdir()}
    assert {name.partition(".")[0].partition("-inc")[0] for name in texts} == MEMBERS | {"pydrop"}
    assert all(len(text) > 800 for text in texts.values())
    for name, words in {
        "cpython": "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2",
        "musl": "Rich Felker",
        "libgcc": "RUNTIME LIBRARY EXC",
    }.items():
        assert words in texts[f"{name}.txt"]
    for one in found.values():
        digests = [each["hashes"][0]["content"] for each in one["externalReferences"] if "hashes" in each]
        assert digests and all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests), one["name"]
        assert one["purl"].startswith(("pkg:deb/debian/", "pkg:pypi/", "pkg:github/")) and one["licenses"]
    assert {one["licenses"][0].get("expression") for one in found.values()} == {
        *(None, "GPL-3.0-or-later WITH GCC-exception-3.1")
    }


def test_it_names_the_versions_that_the_file_names_and_the_files_digest(tree: Path, sbom: "dict[str, Any]") -> None:
    program = tree / "usr/bin/pydrop"
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    versions = {one["name"]: one["version"] for one in sbom["components"]}
    for name, shown in (("cpython", "CPython"), ("click", "click"), ("psutil", "psutil"), ("musl", "musl")):
        assert f"{shown} {versions[name]}" in said
    whole = sbom["metadata"]["component"]
    assert said.startswith(f"pydrop {whole['version']} ")
    assert whole["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(program.read_bytes()).hexdigest()}]
    assert sbom["dependencies"][-1] == {"ref": "pydrop", "dependsOn": sorted(MEMBERS)}


def faults(*documents: "dict[str, Any]") -> "list[str]":
    """What the tool's own validator says of each."""
    script = f"import sys; sys.path.insert(0, {str(ROOT / 'onefile')!r}); import sbom, json\n"
    script += "print(json.dumps([sbom.found(json.dumps(one)) for one in json.load(sys.stdin)]))"
    words = [dist.tools() / "bin/python", "-c", script]
    done = subprocess.run(words, input=json.dumps(documents), check=True, capture_output=True, text=True)
    said: list[str] = json.loads(done.stdout)
    return said


def test_the_validator_of_the_formats_makers_takes_it_and_refuses_a_fault(sbom: "dict[str, Any]") -> None:
    wrong = json.loads(json.dumps(sbom))
    wrong["components"][0]["licenses"] = [{"license": {"id": "BSD-three-of-them"}}]
    taken, refused = faults(sbom, wrong)
    assert taken == "" and "BSD-three-of-them" in refused


LINKED = """\
Archive member included to satisfy reference by file (symbol)

/usr/lib/x86_64-linux-musl/libc.a(__libc_start_main.lo)
                              (_start)
Discarded input sections
LOAD /usr/lib/x86_64-linux-musl/Scrt1.o
LOAD /tmp/pydrop-onefile-x1/main.o
"""


@pytest.mark.parametrize(
    "line", ["/usr/lib/x86_64-linux-gnu/libz.a(inflate.o)", "/usr/lib/x86_64-linux-gnu/libexpat.a(xmlparse.o)"]
)
def test_what_is_linked_in_and_has_no_licence_here_stops_the_build(line: str, tmp_path: Path) -> None:
    musl = components.Component(*["x"] * 6, {}, r"-linux-musl/(libc\.a|Scrt1\.o)$", {})
    other = musl._replace(name="absent", taken="/nowhere$")
    file = tmp_path / "map"
    file.write_text(LINKED)
    assert [one.name for one in components.held([musl, other], file)] == ["x"]
    file.write_text(LINKED.replace("\nDiscarded", f"\n{line}\nDiscarded"))
    with pytest.raises(SystemExit, match=re.escape(line.partition("(")[0])):
        list(components.held([musl, other], file))
