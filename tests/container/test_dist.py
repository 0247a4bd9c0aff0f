"""The image `pydrop` in images of all kinds: by two lines of a Dockerfile, each start does what it does anywhere."""

import json
import re
import subprocess

import pytest

from tests.container.engine import ROOT, Result, image, owner, until

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
ALMOST_NOTHING = ("--cap-drop=ALL", "--cap-add=SETUID,SETGID", "--security-opt=no-new-privileges")
NUMBERS = {"PUID": "1500", "PGID": "1600"}
INIT = {"PYDROP_INIT": "1"}
WAYS = {  # options, environment, the user that the program is
    "init": ((), NUMBERS | INIT, (1500, 1600)),
    "read-only": (READ_ONLY, NUMBERS, (1500, 1600)),
    "two capabilities": (ALMOST_NOTHING, NUMBERS, (1500, 1600)),
    "user, read-only, init": (("--user=1234:1234", "--cap-drop=ALL", *READ_ONLY), INIT, (1234, 1234)),
}
MORE_WAYS = {
    "user": (("--user=1234",), {}, (1234, 0)),
    "read-only with a tmpfs": ((*READ_ONLY, "--tmpfs=/run"), NUMBERS | INIT, (1500, 1600)),
    "read-only with two capabilities": ((*READ_ONLY, *ALMOST_NOTHING), NUMBERS | INIT, (1500, 1600)),
}
STARTS = [(base, way) for base in BASES for way in WAYS]
STARTS += [(base, way) for base in ("distroless", "static") for way in MORE_WAYS]
every_base = pytest.mark.parametrize("base", sorted(BASES))


def shown(run, base: str, file: str, *options: str, env: "dict[str, str]") -> Result:
    done: Result = run(*options, image=image(f"dist-{base}"), command=[*BASES[base], file], env=env)
    return done


@pytest.mark.parametrize(("base", "way"), STARTS)
def test_the_program_is_the_user_and_can_be_nobody_else(base, way, run):
    options, env, (uid, gid) = (WAYS | MORE_WAYS)[way]
    done = shown(run, base, "/proc/self/status", *options, env=env)
    assert done.code == 0, str(done)
    found = dict(re.findall(r"^(\w+):\t(.*)$", done.stdout, re.MULTILINE))
    assert (found["Uid"].split(), found["Gid"].split()) == ([str(uid)] * 4, [str(gid)] * 4)
    assert {int(found[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert found["NoNewPrivs"] == "1"


@pytest.mark.parametrize("base", ["debian", "static"])
def test_without_any_capability_root_is_told_what_a_drop_needs(base, run):
    done = shown(run, base, "/proc/self/status", "--cap-drop=ALL", env=NUMBERS)
    assert (done.code, done.stdout, done.stderr.count("\n")) == (125, "", 1), str(done)
    assert "SETGID, SETUID" in done.stderr and "--cap-add SETUID" in done.stderr


@every_base
def test_a_volume_is_the_users(base, run, volume):
    folder = volume({"sub": (0, 0), "sub/file": (0, 0)})
    done = shown(run, base, "/data/sub/file", f"--volume={folder}:/data", env=NUMBERS | {"PYDROP_CHOWN": "/data"})
    assert "text\n" in done.stdout, str(done)
    assert {owner(path) for path in (folder, *folder.rglob("*"))} == {(1500, 1600)}


@pytest.mark.parametrize("base", ["alpine", "python", "static"])
def test_the_environment_is_as_it_came(base, run):
    """No variable of an interpreter's or a libc's is obeyed, and the program gets them all."""
    env = NUMBERS | {"LD_LIBRARY_PATH": "/nowhere", "PYTHONHASHSEED": "7", "PYTHONPATH": "/data", "LC_ALL": "xx_XX"}
    done = shown(run, base, "/proc/self/environ", env=env)
    seen = done.stdout.rstrip("\n\0").split("\0")
    assert {f"{name}={value}" for name, value in env.items()} <= set(seen), str(done)
    assert not [line for line in seen if line.startswith(("LC_CTYPE=", "LD_PRELOAD="))]


# What waits there; of distroless' program only for its input.
WAITS = {"static": ["/busybox", "sleep", "1000"], "distroless": ["cat"]}


@every_base
def test_a_second_pydrop_in_the_container_is_the_user_too_and_a_stop_ends_init(base, container):
    command = WAITS.get(base, ["sleep", "1000"])
    same = container("--interactive", image=image(f"dist-{base}"), command=command, env=NUMBERS | INIT)
    done = same.exec("pydrop", *BASES[base], "/proc/self/status")
    assert "Uid:\t1500\t1500\t1500\t1500\n" in done.stdout, str(done)
    assert same.stop() == (131 if base == "nginx" else 143), str(same.logs())  # nginx' image says SIGQUIT


@every_base
def test_plan_and_doctor_work_there(base, run):
    made, options = image(f"dist-{base}"), ("--entrypoint=pydropctl",)
    planned = run(*options, image=made, command=["plan", "--json", "--", BASES[base][0]], env=NUMBERS)
    assert planned.code == 0 and json.loads(planned.stdout)["identity"]["uid"] == 1500, str(planned)
    told = run(*options, image=made, command=["doctor"], env=NUMBERS)
    assert told.stdout.startswith("A start of pydrop works here"), str(told)


@every_base
def test_verify_finds_no_fault(base, run):
    told = run(image=image(f"dist-{base}"), command=["pydropctl", "verify", "--json"], env=NUMBERS)
    found = {check["name"]: (check["verdict"], check["found"]) for check in json.loads(told.stdout)["checks"]}
    assert told.code == 0, found
    assert {found[name][0] for name in ("own name", "pydrop's own code", "no way back")} == {"ok"}, found


@pytest.mark.parametrize(("base", "plain"), [("debian", "debian:bookworm-slim"), ("staff", "debian:11")])
def test_no_folder_of_the_image_gets_another_owner_or_mode(base, plain, run):
    """By one COPY of all of it; and it is found in the PATH as the image has it."""
    script = "find / -xdev -type d ! -path '/proc*' -printf '%p %U:%G %m\\n' | sort; command -v python3"
    with_it = run("--entrypoint=sh", image=image(f"dist-{base}"), command=["-c", script]).stdout
    without = run(image=image(plain), command=["sh", "-c", script]).stdout
    more = set(with_it.splitlines()) - set(without.splitlines())
    assert set(without.splitlines()) <= set(with_it.splitlines()) and more
    assert all(line.endswith(" 0:0 755") for line in more), more


def test_compatibility_names_come_before_those_of_the_distribution(run):
    """RUN ["pydropctl", "install", "gosu"]: the folder is one that PATH has before Debian's /usr/sbin."""
    script = "pydropctl install gosu && gosu 1500:1500 cat /proc/self/status"
    done = run("--entrypoint=sh", image=image("dist-debian"), command=["-c", script])
    assert done.stdout.startswith("/usr/local/bin/gosu -> /usr/bin/pydrop\n") and "Uid:\t1500" in done.stdout, str(done)


def test_where_others_may_write_usr_local_bin_no_link_is_put_there(run):
    done = run("--entrypoint=pydropctl", image=image("dist-staff"), command=["install", "gosu"])
    assert (done.code, done.stdout) == (125, "") and "--into DIR" in done.stderr, str(done)


# -- docs/install.md ------------------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.parametrize("name", ["nginx", "node"])
def test_the_page_shows_the_dockerfile_that_is_tested_here(name):
    page = (ROOT / "docs/install.md").read_text()
    assert f"```dockerfile\n{(ROOT / f'tests/container/dist/official-{name}/Dockerfile').read_text()}```" in page


def test_nginx_serves_port_80_as_its_own_user_behind_its_entrypoint_and_stops_by_quit(container):
    same = container(image=image("dist-official-nginx"), command=[])
    line = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:80/', timeout=5).read().decode())"
    ask = ["nsenter", f"--target={same.pid()}", "--net", "python3", "-c", line]
    answer = until(lambda: subprocess.run(ask, capture_output=True, text=True, check=False).stdout)
    assert "Welcome to nginx!" in answer, str(same.logs())
    looked = same.exec("sh", "-c", "cat /proc/[0-9]*/status", options=("--user=65534:65534",)).stdout
    assert set(re.findall(r"^Uid:\t(\d+)", looked, re.MULTILINE)) == {"101", "65534"}
    assert "Configuration complete" in same.logs().stdout and "GET / " in same.logs().stdout
    assert same.stop() == 0, str(same.logs())


def test_nodes_entrypoint_goes_on_to_work_and_its_user_is_taken_where_nothing_is_said(run):
    """An option is node's, which is what its script is for: behind a command's first word nothing is pydrop's."""
    done = run(image=image("dist-official-node"), command=["-e", "console.log(process.getuid(), process.env.HOME)"])
    assert (done.code, done.stdout) == (0, "1000 /home/node\n"), str(done)
