"""Writes docs/settings.md from the table of settings: ``python docs/generate_settings.py``.

The table (pydrop/settings/table.py) has what each setting is; here is what a person wants to read
about it besides. A test holds that the committed page is what this writes.
"""

# ruff: noqa: E501 # a table's row is one line of the page

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "src"))

from pydrop.model import CHOWN_POLICIES  # noqa: E402 # from this tree
from pydrop.settings.defaults import default  # noqa: E402 # from this tree
from pydrop.settings.table import BY_NAME, ROWS, Row  # noqa: E402 # from this tree

HEAD = """\
# Settings

<!-- Written by docs/generate_settings.py from the table of settings. Change it there. -->

Every setting has one name and up to three spellings: an option of `pydrop`, a variable of the container's environment,
and a key of the settings file.

```sh
pydrop --chown-policy top COMMAND          # or --chown-policy=top
docker run -e PYDROP_CHOWN_POLICY=top ...
echo 'chown-policy = "top"' > /etc/pydrop.toml
```

An option wins over the environment, the environment over the file, the file over the built-in value. A list that wins
replaces the other whole; nothing is put together from two places (but `chown` and `[[volume]]`, below).

{overview}

## How values are written

- **Options** end where the command begins: at the first word that does not begin with a dash, or behind `--`. Nothing
  behind it is parsed, so `pydrop ls --help` shows the help of `ls`. A value that begins with a dash needs the form
  `--name=VALUE`. Of an option given twice the last holds; the items of a list are put together. `--no-new-privs` alone
  means true and takes no word behind it; `--no-new-privs=false` switches it off.
- **Variables** lose the blanks, CR and LF around their value (env files leave them). An empty variable counts as unset.
  Of a variable that is there twice the first holds. Lists are separated by `:` (paths) or `,` (names); empty items are
  left out. A list of paths with a `,`, `;`, tab, line end, quote or bracket in it, or a blank beside a path, is an error that
  shows the list as it should be: `PYDROP_CHOWN=/data, /config` would have made a folder `/data,`. A path that holds such a
  character is named in the file.
- **The file** is TOML, of 256 KiB at most. Lists are arrays, yes and no are `true` and `false`, ids may be numbers, modes
  and umasks are text in quotes (a number does not tell whether it was meant octal).
- **Yes or no**: `1` `0` `true` `false` `yes` `no` `on` `off`, in any case.
- **Ids** are digits alone, 0 to 4294967294. No sign, no underscore, no hexadecimal, no digits of another script.
  4294967295 and larger are refused: the kernel takes the first as "leave unchanged" and cuts the others off, and either
  way a program may stay root.
- **Names** of accounts and groups hold no `:`, `,`, `/`, blank or control character, do not begin with `-`, `+` or `#`,
  and are at most 255 bytes long. What is made of digits is a number.
- **Paths** are absolute and hold no `..`. Doubled and trailing slashes are dropped. `docker run -w` does not matter.

A variable that begins with `PYDROP_`, an option or a key that does not exist ends the start with exit code 125 and the
nearest name that does exist. So does a value that cannot be used. Only the value that wins is looked at; names are
always checked.

Kubernetes makes variables for every Service. Those of a Service called `pydrop` or `pydrop-SOMETHING`
(`PYDROP_SERVICE_HOST`, `PYDROP_SERVICE_PORT_HTTP`, `PYDROP_PORT`, `PYDROP_PORT_80_TCP_ADDR` and so on), and those of a docker
link of that name, are nobody's typo and are left alone. `PYDROP_ENV` and `PYDROP_WORKDIR` are what pydrop sets for its hooks; they cannot be set
from outside.

## The file

`/etc/pydrop.toml`, or the absolute path that `PYDROP_CONFIG` names. Without `PYDROP_CONFIG` the file may be missing. It is
read as root's orders, so it is trusted only where root owns it and nobody else may write it or replace it: the folders
above it count too. `pydropctl check` shows every problem of a file at once, with its line; for image builds:

```dockerfile
COPY --chown=root:root --chmod=0644 pydrop.toml /etc/pydrop.toml
RUN pydropctl check
```

`pydropctl check --content-only FILE` asks what the file says alone, for a checkout where somebody else owns it. Of the file that
is in force here it also says which accounts and groups this image does not have.

### Variables in the file

A text in the file may hold `${NAME}` and `${NAME:-default}`, as in Compose; they are filled from the container's environment. So
an image goes on taking the variables that its users know, and follows those that its base image sets:

```toml
puid = "${USERMAP_UID:-}"
pgid = "${USERMAP_GID:-}"
chown = ["${PGDATA:-/var/lib/postgresql/data}"]
init = "${SUPERVISE:-false}"
```

- `${NAME:-default}` is the default where the variable is not set or is empty. `${NAME}` without a default is an error where it is
  not set; `pydropctl check` says that too, by the environment that it runs in.
- `$$` is a dollar. A `$` that stands before anything else is text. One `${` within another is an error.
- Each text is filled once, after the file was read as TOML: what a variable holds is one value, never two, and never a key.
  It is held to the same forms as any other, and `"true"` and `"1500"` are taken where yes or no, or a number belongs.
- A text that becomes empty is as if the setting, or its place in the list, were not there. A `[[volume]]` whose `path` becomes
  empty is none.
- A message shows what a variable gave, but not where its name holds PASS, PWD, SECRET, TOKEN, KEY, CREDENTIAL, AUTH or PRIVATE.

# Each setting

"""

MORE = {
    "user": """\
`NAME`, `UID`, `NAME:GROUP`, `UID:GID`, `:GROUP`, or mixed. A name that the image does not have is made. Root only
where it is asked for in so many words (`root` or `0`). `PUID` and `PGID` win over numbers in `user`.""",
    "puid": """\
The account that `user` names (or `app`) takes this number. `0` is root, asked for explicitly, in the file too. Names of
other images (`UID`, `USER_ID`, `USERMAP_UID`, `APP_UID`, `NB_UID` and so on) are not obeyed: a warning says so where one asks
for another number. In the file they go on working: `puid = "${USERMAP_UID:-}"`.""",
    "pgid": """\
Without it the account's group comes along with `PUID` where the account has one, else the gid is
the uid. Write both where the volume's files have both.""",
    "owner-of": """\
The uid and gid of this path are used where neither `PUID`/`PGID` nor `user` has numbers. Never root: a path that root owns
is passed over with a warning. Where its group is root's, the gid is the uid's number.""",
    "home": "For an account that pydrop makes. An account that exists keeps its home.",
    "groups": "Added to the groups that the account has in `/etc/group` and to those that the runtime granted.",
    "groups-policy": """\
`merge`: the groups that the account has in the image's `/etc/group` count. `strict`: they do not, and the program has its own
group, those that `groups` names, those of `devices`, and those that the runtime granted. Set it where a Pod has
`supplementalGroupsPolicy: Strict`: a container that starts as root cannot see that.""",
    "devices": "The group that may open each device is joined, and the group that may connect to a socket"
    " (`/var/run/docker.sock`). A folder stands for all devices and sockets in it. Root's group (0) is never joined for a"
    " device. A device that is not there, and a folder that holds none, is a warning: an image names what it could use.",
    "umask": """\
Octal, `0` to `0777`, in one, three or four digits. Two digits are refused: YAML turns an unquoted `027` into 23, which
is a umask too, but another one. Quote it in compose. `PYDROP_UMASK` comes before `UMASK`, since mariadb, among others, has
a `UMASK` of its own with another meaning; where both are set, `UMASK` is not even looked at.""",
    "chown": """\
Each path may have a policy behind a colon (see `chown-policy`): `PYDROP_CHOWN=/data:/config:on-root-mismatch` owns `/data`
by the default policy and `/config` by its own. An array's item is cut at its colon the same way. A path with a colon in
its name needs a `[[volume]]` table. The same path twice is an error.""",
    "volume": """\
In the file alone, one table a volume, with all that can be said of it:

```toml
{example}
```

| key | value | built-in value | meaning |
|---|---|---|---|
| `path` | absolute path | must be there | the folder, or file, to own |
| `policy` | a policy | `chown-policy` | see there |
| `mode` | text: chmod's symbolic or octal form | modes are left alone | permissions that entries get; set-uid and set-gid reach folders alone |
| `exclude` | list of patterns | `[]` | entries that are left alone |
| `across-mounts` | `true` `false` | `false` | enter other mounts below it |
| `only-from` | `"UID:GID"`, `"UID"`, `":GID"` | any owner | touch only what has this owner |
| `create` | `true` `false` | `false` | make the folder where it is missing |
| `hard-links` | `true` `false` | `chown-hard-links` | give away files of [others](volumes.md#files-with-several-names) that have other names too |

Volumes of `[[volume]]` and of `chown` add up, whichever place `chown` comes from. A path that stands in both is as its
table says, but a policy that `chown` names wins: so `PYDROP_CHOWN=/config:never` switches one volume of the image off.""",
    "chown-policy": """\
| policy | looks at | for |
|---|---|---|
| `mismatch` | every entry; changes only what differs | the default: a second start writes nothing |
| `on-root-mismatch` | the top folder; walks only where that differs | big volumes: a restart costs nothing |
| `unless-writable` | whether the user can write the top folder; if so, nothing is done | NFS with root_squash, CIFS, VirtioFS |
| `top` | the top folder alone | volumes whose content belongs to others |
| `idmap` | the top folder; mounts the volume over itself with a map where it differs | volumes of any size, where SYS_ADMIN is granted: see [idmapped mounts](volumes.md#idmapped-mounts) |
| `never` | nothing | switching a volume off |

It is also the policy for the home folder of an account whose numbers change, where no volume names it: see
[One start](boot.md#choices).""",
    "chown-errors": """\
`warn`: the first few entries that could not be changed are named, and the start goes on. `fail`: it ends with 125. Both
also for the home folder of an account whose numbers change.""",
    "chown-hard-links": """\
A file of root's or of a third user with more than one name is left alone, since its other names may lie outside of the
volume, and counted in a warning ([who that is](volumes.md#files-with-several-names)). Media libraries are full of such files:
set this where all names of each may be chowned. It counts for the volumes whose table says nothing else, and for the home
folder.""",
    "run-dirs": """\
Made at every start, since a tmpfs is empty then. Owned by the user. Without root, where the user may make them. Folders
that root executes or obeys from are refused: see [volumes.md](volumes.md#what-is-nobodys-to-be-given).

Where something is in the way that others than root could have put there (it belongs to somebody else, or a folder above
it does, or may be written by others), it is left, and the start goes on with a warning: what the program did in one run
does not keep the next from starting. A file of root's in folders of root's alone is a mistake of the image, and ends
the start with 125.""",
    "secrets": """\
`PYDROP_SECRETS=DB_PASSWORD` reads the file that `DB_PASSWORD_FILE` names, as root, into `DB_PASSWORD`, and takes
`DB_PASSWORD_FILE` out of the program's environment. `FILE__DB_PASSWORD=/run/secrets/db` does the same without a list.

A name in the list whose variable has its value already needs no file, and a name with neither is nothing: an image lists
what it could use. A value and a file, or two files, for one name are an error, and so is a file that is missing. No
message shows a value, nor what stands where a file's path should. Settings of pydrop itself (`PUID`, `PYDROP_...`) are not
read from secrets.

Only a regular file is read, at most as much of it as a variable can hold (131,072 bytes): no pipe, no device, no
`/dev/stdin`. What orchestrators mount as secrets are regular files.""",
    "hooks": """\
Executables in byte order of their names. One that somebody other than root can write or replace is refused, and so is
one whose interpreter (its `#!` line) is. A script or program without an execute bit is not run, and named in a warning;
other files may lie there. [hooks.md](hooks.md) has what hooks find and what they can change.

A hook starts in `/`; `PYDROP_WORKDIR` names the image's working folder. It gets the program's environment, less the
variables that could make root run what the user wrote (`PYTHONPATH=/data`, `LD_LIBRARY_PATH=/usr/lib:`): those of
programs that load code (`LD_*`, `PYTHON*`, `PERL*`, `RUBY*`, `NODE_*`, `NPM_*`, `LUA*`, `GIT_*`, `JAVA*`, `PHP*`,
`COMPOSER_*`, `XDG_*` …), and those whose names hold PATH, HOME, OPTS, OPTIONS, FLAGS, CONFIG, PRELOAD, STARTUP, PLUGIN,
MODULE, HOOK, EDITOR, PAGER, SHELL or WRAPPER, or have a part that begins or ends with RC or INIT, wherever a path in the
value, an empty or a relative entry included, is not root's alone. `pydropctl plan` and `log-level = debug` name them. Any
other variable is passed (`DATA_DIR=/data`).""",
    "user-hooks": """\
Executables in byte order of their names, each of which runs as the program will: after the volumes, with its groups,
capabilities and umask, in its working folder, with its environment. Whose they are does not matter. One that the user may
not execute is an error; so is one that fails. They run in a start without root too. See [hooks.md](hooks.md).""",
    "default-command": """\
A list of words, in the file alone: what official images do with `if [ "${1#-}" != "$1" ]; then set -- nginx "$@"; fi`. With
`default-command = ["nginx", "-g", "daemon off;"]` in the image, `docker run IMAGE -c /x.conf` runs `nginx -g 'daemon off;' -c
/x.conf`, `docker run IMAGE` without a `CMD` runs the default as it is, and `docker run IMAGE sh` runs `sh`.

Where it is set, the first word that is none of pydrop's own options begins the program's words. Behind `--` nothing is
pydrop's: `docker run IMAGE -- --help` shows the program's help. Without it an unknown option is an error.""",
    "keep-caps": """\
Names as in capabilities(7), in upper or lower case, with or without `CAP_`. `ALL` is refused, and so are `setuid` and
`setgid`: with them the program could become root again.""",
    "no-new-privs": """\
On, set-uid programs such as `sudo` and files with capabilities such as `ping` gain nothing. Switch it off only where the
program needs one: then they work, as far as the container's own capabilities (`cap_add`, `cap_drop`) reach.""",
    "bounding-set": """\
`keep` leaves the set as the runtime gave it. While `no-new-privs` is on, nothing is gained out of it. `empty` empties it
but for `keep-caps`, which needs the capability SETPCAP. Then no program can start whose file has capabilities (`getcap`
shows them; caddy and ping, for example): the kernel refuses it, also behind a shell script, and with `no-new-privs` off
`sudo` gives no capability. A command whose own file has such capabilities is refused before anything is changed. In a
program that stays root it is ignored, since root gets its capabilities out of this set.""",
    "oom-score-adj": """\
As in proc(5); whatever the program starts inherits it. To set it lower than the container has it needs the capability
SYS_RESOURCE; `docker run --oom-score-adj` needs nothing.""",
    "init": """\
Signals are passed on to the command, what it leaves behind is reaped and ended, and a stop has a time limit: see
[Init mode](init.md). The settings below belong to it, and mean nothing without it. Where it stands only in the settings
file, write it as `init = true`, so that it is found before the file is read.""",
    "stop-signal": """\
By name (`QUIT`, `SIGQUIT`, `RTMIN+3`) or number. Whichever of TERM and this one comes for pydrop asks for a stop, and
the command is sent this one, and CONT where it is stopped.""",
    "stop-timeout": """\
Seconds, or a time with units: `500ms`, `30s`, `1m30s`; `never` waits for ever. When it is over, what is left is named and
killed. Engines have a limit of their own (docker: 10 s, `--stop-timeout`; Kubernetes: 30 s,
`terminationGracePeriodSeconds`): set this one lower than theirs.""",
    "kill-grace": """\
When the command has ended, what it left behind is sent TERM, and KILL after this time. During a stop the stop timeout
counts too, whichever is over first.""",
    "rewrite": """\
`TERM:QUIT` passes QUIT on where TERM comes; `HUP:0` passes nothing on. A signal that asks for a stop still does, unless
it is rewritten to 0. KILL and STOP cannot be caught, so they cannot be rewritten; others can be rewritten to them.""",
    "signal-group": """\
For commands that do not pass signals on themselves, as most shell scripts. Signals that stop and continue a job (TSTP, TTIN,
TTOU, CONT) go to the group always.""",
    "exit-code": """\
`143:0` ends with 0 where the command ended with 143 (which is 128 + 15: TERM ended it). pydrop's own failures (125, 126,
127 where the command was not run) stay as they are.""",
    "pdeathsig": """\
As PR_SET_PDEATHSIG of prctl(2): it is passed on to the command like any other signal, but for KILL, which ends pydrop at
once.""",
    "ready": """\
`started`: it is ready when it runs. `notify`: it sends `READY=1` to the socket that it finds in `NOTIFY_SOCKET` (sd_notify(3)).
`fd:3`: it writes a line to descriptor 3 (s6's notification-fd). Then the ready file is made, and where pydrop itself was given a
`NOTIFY_SOCKET`, `READY=1` is said there, and `STOPPING=1` when a stop begins; what else the command says of
itself (`STATUS=`, `WATCHDOG=1`, …) is passed on, lines that steer whoever runs the container (`MAINPID=`, `FDSTORE=1`,
`NOTIFYACCESS=` …) are not. Without this setting a `NOTIFY_SOCKET` is the command's alone.""",
    "ready-file": """\
Empty; made when the command is ready, taken away when a stop begins or it ends. For health checks: `test -e
/run/app/ready`. It is made as the program's user, so its folder must be writable for it: name one in `run-dirs`.
Not together with `keep-root`, where PID 1 would make it as root.""",
    "keep-root": """\
PID 1 becomes the program's user too, and keeps no capability (but CAP_KILL where `no-new-privs` is off). Only a command
whose processes run as several users needs a PID 1 that is root.""",
    "log-level": "`error`, `warn`, `info`, `debug`. At `info` a good start is one line; at `warn` it is silent.",
    "log-format": "`text`, or `json` with one object a line.",
}

EXAMPLES = {  # name -> what stands behind the = of a variable, and of a key
    "user": ("app:video", '"app:video"'),
    "puid": ("1500", "1500"),
    "pgid": ("1500", "1500"),
    "owner-of": ("/data", '"/data"'),
    "home": ("/config", '"/config"'),
    "groups": ("video,109", '["video", 109]'),
    "groups-policy": ("strict", '"strict"'),
    "devices": ("/dev/dri:/dev/ttyUSB0", '["/dev/dri", "/dev/ttyUSB0"]'),
    "umask": ("027", '"027"'),
    "chown": ("/data:/config:on-root-mismatch", '["/data", "/config:on-root-mismatch"]'),
    "volume": (
        "",
        '[[volume]]\npath = "/data"\npolicy = "on-root-mismatch"\nmode = "u=rwX,g=rX"\n'
        'exclude = ["*/lost+found", ".snapshot"]\nacross-mounts = false\nonly-from = "999:999"\ncreate = true',
    ),
    "chown-policy": ("on-root-mismatch", '"on-root-mismatch"'),
    "chown-errors": ("fail", '"fail"'),
    "chown-hard-links": ("1", "true"),
    "run-dirs": ("/run/app:/run/app/cache", '["/run/app", "/run/app/cache"]'),
    "secrets": ("DB_PASSWORD,API_KEY", '["DB_PASSWORD", "API_KEY"]'),
    "hooks": ("/opt/start.d", '"/opt/start.d"'),
    "default-command": ("", '["nginx", "-g", "daemon off;"]'),
    "user-hooks": ("/opt/user.d", '"/opt/user.d"'),
    "keep-caps": ("net_bind_service", '["net_bind_service"]'),
    "no-new-privs": ("0", "false"),
    "bounding-set": ("empty", '"empty"'),
    "oom-score-adj": ("500", "500"),
    "init": ("1", "true"),
    "stop-signal": ("QUIT", '"QUIT"'),
    "stop-timeout": ("30s", '"30s"'),
    "kill-grace": ("500ms", '"500ms"'),
    "rewrite": ("TERM:QUIT,HUP:0", '["TERM:QUIT", "HUP:0"]'),
    "signal-group": ("1", "true"),
    "exit-code": ("143:0,130:0", '["143:0", "130:0"]'),
    "pdeathsig": ("TERM", '"TERM"'),
    "ready": ("fd:3", '"fd:3"'),
    "ready-file": ("/run/app/ready", '"/run/app/ready"'),
    "keep-root": ("1", "true"),
    "log-level": ("warn", '"warn"'),
    "log-format": ("json", '"json"'),
}

BESIDES = {"secrets": ("FILE__NAME",)}  # variables whose names are the person's own


def page() -> str:
    """The whole text of docs/settings.md."""
    return HEAD.replace("{overview}", overview()) + "\n".join([section(row) for row in ROWS])


def overview() -> str:
    lines = ["| setting | environment | meaning |", "|---|---|---|"]
    for row in ROWS:
        variables = ", ".join([f"`{variable}`" for variable in (*row.environment, *BESIDES.get(row.name, ()))])
        lines.append(f"| [{title(row)}](#{anchor(row)}) | {variables} | {row.meaning} |")
    return "\n".join(lines)


def title(row: Row) -> str:
    return row.environment[0] if row.environment == (row.name.upper(),) else row.name


def anchor(row: Row) -> str:
    return title(row).lower()


def section(row: Row) -> str:
    """One setting: meaning, spellings, default, example, and what else is to be said."""
    lines = [f"## {title(row)}", "", f"{row.meaning[0].upper()}{row.meaning[1:]}.", ""]
    lines += [f"- {kind}: `{spelling}`" for kind, spelling in spellings(row)]
    lines.append(f"- built-in value: {default(row)}")
    if row.name in EXAMPLES:
        lines += [f"- example: {example(row)}"] if row.name != "volume" else []
    more = MORE[row.name].replace("{example}", EXAMPLES["volume"][1])
    return "\n".join([*lines, "", more, ""])


def spellings(row: Row) -> list[tuple[str, str]]:
    """The ways to give a setting, each with the form of its value."""
    form = "" if row.form == "-" else row.form
    found = []
    if row.option:
        found.append(("option", f"--{row.name}[={form or 'false'}]" if row.flag else f"--{row.name} {form}".strip()))
    found += [("environment", f"{variable}={form}") for variable in row.environment]
    found += [("environment", f"{variable}=PATH") for variable in BESIDES.get(row.name, ())]
    if row.key:
        found.append(("file", f"{row.name} = ..." if row.name != "volume" else "[[volume]]"))
    return found


def example(row: Row) -> str:
    text, value = EXAMPLES[row.name]
    spoken = [f"`{row.environment[0]}={text}`"] if row.environment else []
    if row.option:
        spoken.append(f"`--{row.name}={text}`")
    if row.key:
        spoken.append(f"`{row.name} = {value}`")
    return ", ".join(spoken)


assert set(MORE) == set(BY_NAME)
assert all(f"| `{policy}` |" in MORE["chown-policy"] for policy in CHOWN_POLICIES)

if __name__ == "__main__":
    (HERE / "settings.md").write_text(page(), encoding="utf-8")
