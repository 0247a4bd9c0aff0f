"""The image `pydrop` in images of all kinds: by two lines of a Dockerfile, each start does what it does anywhere."""

import json
import re

import pytest

from tests.container.engine import Result, image, owner

# How a file is read there, by a program of the image's own.
BASES = {
    "alpine": ["cat"],
    "debian": ["cat"],
    "distroless": ["cat"],
    "nginx": ["cat"],
    "node": ["node", "-e", "process.stdout.write(require('fs').readFileSync(process.argv[1]))"],
    "python": ["python3", "-c", "import sys; print(open(sys.argv[1]).read())"],
    "staff": ["cat"],
    "static": ["/busybox", "cat"],
}
READ_ONLY = ("--read-only", "--read-only-tmpfs=false")
NUMBERS = {"PUID": "1500", "PGID": "1600"}
WAYS = {  # options, environment, the user that the program is
    "root": ((), NUMBERS, (1500, 1600)),
    "init": ((), NUMBERS | {"PYDROP_INIT": "1"}, (1500, 1600)),
    "read-only": ((*READ_ONLY, "--tmpfs=/run"), NUMBERS, (1500, 1600)),
    "read-only, and nothing else": (READ_ONLY, NUMBERS, (1500, 1600)),
    "user": (("--user=1234",), {}, (1234, 0)),
    "user, read-only, init": (("--user=1234:1234", *READ_ONLY), {"PYDROP_INIT": "1"}, (1234, 1234)),
    "no capability": (("--cap-drop=ALL", "--user=1234"), {}, (1234, 0)),
    "the two that a drop needs": (("--cap-drop=ALL", "--cap-add=SETUID,SETGID"), NUMBERS, (1500, 1600)),
    "no-new-privileges": (("--security-opt=no-new-privileges",), NUMBERS, (1500, 1600)),
}
every_base = pytest.mark.parametrize("base", sorted(BASES))


def shown(run, base: str, file: str, *options: str, env: "dict[str, str]") -> Result:
    done: Result = run(*options, image=image(f"dist-{base}"), command=[*BASES[base], file], env=env)
    return done


@every_base
@pytest.mark.parametrize("way", sorted(WAYS))
def test_the_program_is_the_user_and_can_be_nobody_else(base, way, run):
    options, env, (uid, gid) = WAYS[way]
    done = shown(run, base, "/proc/self/status", *options, env=env)
    assert done.code == 0, str(done)
    found = dict(re.findall(r"^(\w+):\t(.*)$", done.stdout, re.MULTILINE))
    assert (found["Uid"].split(), found["Gid"].split()) == ([str(uid)] * 4, [str(gid)] * 4)
    assert {int(found[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert found["NoNewPrivs"] == "1"


@every_base
def test_without_any_capability_root_is_told_what_a_drop_needs(base, run):
    done = shown(run, base, "/proc/self/status", "--cap-drop=ALL", env=NUMBERS)
    assert (done.code, done.stdout, done.stderr.count("\n")) == (125, "", 1), str(done)
    assert "cap_add: [SETUID, SETGID]" in done.stderr or "SETUID" in done.stderr, done.stderr


@every_base
def test_a_volume_is_the_users(base, run, volume):
    folder = volume({"sub/file": (0, 0)})
    done = shown(run, base, "/data/sub/file", f"--volume={folder}:/data", env=NUMBERS | {"PYDROP_CHOWN": "/data"})
    assert "text\n" in done.stdout, str(done)
    assert {owner(path) for path in (folder, *folder.rglob("*"))} == {(1500, 1600)}


@every_base
def test_the_environment_is_as_it_came(base, run):
    env = NUMBERS | {"LD_LIBRARY_PATH": "/nowhere", "PYTHONHASHSEED": "7", "LC_ALL": "xx_XX"}
    seen = shown(run, base, "/proc/self/environ", env=env).stdout.rstrip("\n\0").split("\0")
    assert {f"{name}={value}" for name, value in env.items()} <= set(seen)
    assert not [
        line
        for line in seen
        if line.startswith(("LC_CTYPE=", "PYTHON")) and not line[6:].startswith(("HASH", "_VERSION"))
    ]


@every_base
def test_a_second_pydrop_in_the_container_is_the_user_too_and_init_ends_by_a_stop(base, container):
    command = {"static": ["/busybox", "sleep", "1000"], "distroless": ["cat", "/dev/full2"]}.get(
        base, ["sleep", "1000"]
    )
    if base == "distroless":  # which has nothing that waits but cat on an open pipe
        same = container(
            "--interactive", image=image(f"dist-{base}"), command=["cat"], env=NUMBERS | {"PYDROP_INIT": "1"}
        )
    else:
        same = container(image=image(f"dist-{base}"), command=command, env=NUMBERS | {"PYDROP_INIT": "1"})
    done = same.exec("pydrop", *BASES[base], "/proc/self/status")
    assert "Uid:\t1500\t1500\t1500\t1500\n" in done.stdout, str(done)
    assert same.stop() in (143, 131), str(same.logs())


@every_base
def test_pydropctl_works_there(base, run):
    made = image(f"dist-{base}")
    planned = run("--entrypoint=pydropctl", image=made, command=["plan", "--json", "--", BASES[base][0]], env=NUMBERS)
    assert planned.code == 0 and json.loads(planned.stdout)["identity"]["uid"] == 1500, str(planned)
    told = run("--entrypoint=pydropctl", image=made, command=["doctor"], env=NUMBERS)
    assert told.stdout.startswith("A start of pydrop works here"), str(told)


@every_base
def test_verify_finds_no_fault(base, run):
    told = run(image=image(f"dist-{base}"), command=["pydropctl", "verify", "--json"], env=NUMBERS)
    found = {check["name"]: (check["verdict"], check["found"]) for check in json.loads(told.stdout)["checks"]}
    assert told.code == 0, found
    assert {found[name][0] for name in ("own name", "pydrop's own code", "no way back to root")} == {"ok"}, found
