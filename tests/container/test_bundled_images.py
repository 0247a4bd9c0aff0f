"""A bundle in images that have no Python: what the program gets is what it gets anywhere, in each way of a start."""

import re

import pytest

from tests.container.engine import ROOT, Result, image

ALPINE, BARE, UNLIKE = "example-no-python", "pydrop-bare", "pydrop-unlike"
PROGRAMS = {  # how a file is read there, by a program of that image's own libc, or of none
    ALPINE: ["cat"],
    BARE: ["cat"],
    "static": ["busybox", "cat"],
    UNLIKE: ["cat"],
}
WAYS = {
    "root": ((), {"PUID": "1500"}, 1500),
    "read-only": (("--read-only", "--read-only-tmpfs=false", "--tmpfs=/run"), {"PUID": "1500"}, 1500),
    "no-new-privileges": (("--security-opt=no-new-privileges",), {"PUID": "1500"}, 1500),
    "no capability added": (("--cap-drop=ALL", "--cap-add=SETUID,SETGID"), {"PUID": "1500"}, 1500),
    "user": (("--user=12345:0",), {}, 12345),
    "init": ((), {"PUID": "1500", "PYDROP_INIT": "1"}, 1500),
    "init as user": (("--user=12345:0",), {"PYDROP_INIT": "1"}, 12345),
}


def shown(run, program: str, options: tuple[str, ...], env: dict[str, str], *files: str) -> Result:
    made = image(BARE if program == "static" else program)
    done: Result = run(*options, image=made, command=[*PROGRAMS[program], *files], env=env)
    return done


def is_user_for_good(status: str, uid: int) -> None:
    found = dict(re.findall(r"^(\w+):\t(.*)$", status, re.MULTILINE))
    assert found["Uid"].split() == [str(uid)] * 4
    assert {int(found[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert found["NoNewPrivs"] == "1"


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_the_program_is_the_user_and_can_be_nobody_else(program, way, run):
    options, env, uid = WAYS[way]
    done = shown(run, program, options, env, "/proc/self/status")
    assert done.code == 0, str(done)
    is_user_for_good(done.stdout, uid)


def environment(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.rstrip("\0").split("\0"))


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_its_environment_is_as_in_an_image_with_python_and_no_library_is_the_bundles(program, run):
    """Nothing of the bundle's shows, and what came as LD_LIBRARY_PATH is there again."""
    env = {"PUID": "1500", "LD_LIBRARY_PATH": "/nowhere"}
    seen = shown(run, program, (), env, "/proc/self/environ", "/proc/self/maps")
    *pairs, maps = seen.stdout.split("\0")
    there = environment(run(command=["cat", "/proc/self/environ"], env=env).stdout)
    here = environment("\0".join(pairs))
    for differs in ("HOSTNAME", "PYDROP_CHOWN"):  # the second is the example's own
        there.pop(differs, None)
        here.pop(differs, None)
    assert here == there
    assert "[stack]" in maps and "/opt/pydrop" not in maps


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_a_second_pydrop_in_the_container_is_the_user_too(program, container, run):
    command = ["busybox", "sleep", "1000"] if program in ("static", BARE) else ["sleep", "1000"]
    same = container(image=image(BARE if program == "static" else program), command=command, env={"PUID": "1500"})
    done = same.exec("pydrop", *PROGRAMS[program], "/proc/self/status")
    assert "Uid:\t1500\t1500\t1500\t1500\n" in done.stdout, str(done)


@pytest.mark.parametrize("made", [ALPINE, BARE])
def test_pydropctl_works_there(made, run):
    options = ("--entrypoint=pydropctl",)
    planned = run(*options, image=image(made), command=["plan", "--", "cat"], env={"PUID": "1500"})
    assert "account app is 1500:1500" in planned.stdout, str(planned)
    told = run(*options, image=image(made), command=["doctor"], env={"PUID": "1500"})
    assert told.stdout.startswith("A start of pydrop works here"), str(told)


def test_verify_finds_the_name_that_musl_finds(run):
    told = run(image=image(ALPINE), command=["pydropctl", "verify"], env={"PUID": "1500"})
    assert re.search(r"^own name +ok +.*app", told.stdout, re.MULTILINE), str(told)
    assert re.search(r"^pydrop's own code +ok", told.stdout, re.MULTILINE), str(told)


def test_the_image_that_it_is_copied_into_is_otherwise_untouched(run):
    """Of folders that an image has already, none gets another mode or owner."""
    command = ["-c", "stat -c '%n %U %a' / /usr /usr/local /usr/local/bin; command -v python3"]
    bundled = run("--entrypoint=sh", image=image(UNLIKE), command=command)
    plain = run(image=image("debian:trixie-slim"), command=["sh", *command])
    assert bundled.stdout == plain.stdout != ""


def test_a_hook_gets_nothing_of_the_bundles_either(run, hooks):
    shown = run(hooks(first="cat /proc/self/environ >&2"), image=image(ALPINE), command=["true"], env={"PUID": "1500"})
    assert shown.code == 0 and "PUID=1500" in shown.stderr and "LD_LIBRARY_PATH" not in shown.stderr, str(shown)


# -- docs/without-python.md -----------------------------------------------------------------------

PAGE = (ROOT / "docs/without-python.md").read_text()
ADDED = {name: float(size) for name, size in re.findall(r"^\| (.*?) \| ([\d.]+) MB \|", PAGE, re.MULTILINE)}


def size(run, made: str) -> int:
    """Bytes of all its files but apt's caches."""
    words = ["-sb", "/", "--exclude=/proc", "--exclude=/sys", "--exclude=/var/cache", "--exclude=/var/lib/apt"]
    done = run("--entrypoint=du", image=image(made), command=[*words, "--exclude=/var/log"])
    return int(done.stdout.split()[0])


@pytest.mark.parametrize(
    ("way", "made", "base"),
    [
        ("a bundle, `--pydrop-only`", UNLIKE, "debian:trixie-slim"),
        ("`apt-get install python3-minimal libcap2`, `/opt/pydrop` copied", "pydrop-minimal", "debian:bookworm-slim"),
        ("`apt-get install python3 libcap2`, `/opt/pydrop` copied", "pydrop-example", "debian:bookworm-slim"),
    ],
)
def test_each_way_adds_what_the_page_says(way, made, base, run):
    assert (size(run, made) - size(run, base)) / 1e6 == pytest.approx(ADDED[way], rel=0.05)


def test_a_bundle_is_as_large_as_the_page_says(run):
    said = run("--entrypoint=pydropctl", image=image("pydrop"), command=["bundle", "/tmp/bundle"]).stdout
    (size,) = re.findall(r"([\d.]+) MB$", said)
    assert float(size) == pytest.approx(ADDED["a bundle"], rel=0.03)


def test_with_python3_minimal_it_starts_and_lacks_what_the_page_says(run):
    made, env = image("pydrop-minimal"), {"PUID": "1500"}
    assert "uid=1500(app)" in run(image=made, command=["id"], env=env).stdout
    kept = run(image=made, command=["id"], env=env | {"PYDROP_KEEP_CAPS": "chown"})
    assert (kept.code, "cannot load ctypes" in kept.stderr, "install the whole Python" in kept.stderr) == (
        125,
        True,
        True,
    )
    script = "echo \"umask = '027'\" >/etc/pydrop.toml && exec /opt/pydrop/bin/pydrop id"
    file = run("--entrypoint=sh", image=made, command=["-c", script], env=env)
    assert (file.code, "'tomllib'" in file.stderr, "install the whole Python" in file.stderr) == (125, True, True)
    assert run("--entrypoint=/opt/pydrop/bin/pydropctl", image=made, command=["plan"], env=env).code != 0


def test_on_musl_verify_cannot_ask_the_images_nss_wrapper_and_the_page_says_so(run):
    """A library of musl's, which the bundle's loader cannot load; it says so to nobody, and starts all the same."""
    options = ("--read-only", "--read-only-tmpfs=false", "--tmpfs=/run")
    env = {"PUID": "1500", "LD_PRELOAD": "/lib/ld-musl-x86_64.so.1"}
    told = run(*options, image=image(ALPINE), command=["pydropctl", "verify"], env=env)
    assert re.search(r"^own name +fail", told.stdout, re.MULTILINE), str(told)
    assert "ld.so" not in told.stderr
    assert "cannot ask it" in PAGE
