"""Words and names that people try and that are none of pydrop's, with what does here what they mean."""

LOOKS_AT_ALL = "mismatch, the default, which looks at every entry in all folders below"
OF_VALUES = {  # setting -> word, in lower case and without dashes -> what to write
    "chown-policy": {
        **dict.fromkeys(
            ("recursive", "recurse", "r", "all", "always", "full", "deep", "force", "yes", "true", "on", "1"),
            f"write {LOOKS_AT_ALL}",
        ),
        **dict.fromkeys(
            ("none", "no", "off", "false", "skip", "disable", "disabled", "ignore", "0"),
            "write never, which leaves the volume as it is",
        ),
        **dict.fromkeys(
            ("shallow", "nonrecursive", "norecursive", "toponly", "root", "once"),
            "write top, which looks at the top folder alone",
        ),
        **dict.fromkeys(
            ("fast", "lazy", "auto", "quick", "smart", "ifneeded"),
            "write on-root-mismatch, which walks only where the top folder differs",
        ),
    },
    "chown-errors": {
        **dict.fromkeys(
            ("ignore", "continue", "skip", "never", "no", "false", "warning", "0"), "write warn: the start goes on"
        ),
        **dict.fromkeys(
            ("stop", "exit", "abort", "strict", "error", "fatal", "yes", "true", "1"), "write fail: the start ends"
        ),
    },
    "log-level": {
        **dict.fromkeys(("verbose", "trace", "all", "5", "4"), "write debug, which says most"),
        **dict.fromkeys(
            ("quiet", "silent", "critical", "fatal", "none", "off", "0", "1"), "write error, which says least"
        ),
        **dict.fromkeys(("notice", "normal", "default", "3"), "write info"),
    },
    "log-format": dict.fromkeys(("plain", "human", "console", "pretty", "logfmt"), "write text, or json"),
}
IN_A_TABLE = "it is a key of a [[volume]] table in the settings file"
OF_NAMES = {  # a setting's name, as an option or a key has it -> what does the same
    **dict.fromkeys(("recursive", "r", "chown-recursive"), f"name the volume with chown: the policy is {LOOKS_AT_ALL}"),
    **dict.fromkeys(
        ("debug", "verbose", "v", "vv", "trace"), "set the log level: --log-level debug, PYDROP_LOG_LEVEL=debug"
    ),
    **dict.fromkeys(("quiet", "silent", "q", "s"), "set the log level: --log-level warn, PYDROP_LOG_LEVEL=warn"),
    **dict.fromkeys(("log", "logging"), "set PYDROP_LOG_LEVEL or PYDROP_LOG_FORMAT"),
    **dict.fromkeys(("json", "log-json"), "set the log format: --log-format json, PYDROP_LOG_FORMAT=json"),
    **dict.fromkeys(
        ("paths", "path", "dirs", "data", "data-dir", "data-dirs", "own"),
        "name volumes with --chown, PYDROP_CHOWN, or in a [[volume]] table of the settings file",
    ),
    **dict.fromkeys(("chmod", "mode", "permissions", "perms"), f"set a volume's mode: {IN_A_TABLE}"),
    **dict.fromkeys(("exclude", "ignore", "skip", "only-from", "across-mounts", "create"), IN_A_TABLE),
    **dict.fromkeys(
        ("cap", "caps", "capabilities", "cap-add", "capadd", "add-caps"), "name them with --keep-caps, PYDROP_KEEP_CAPS"
    ),
    **dict.fromkeys(
        ("command", "cmd", "default-cmd", "exec", "entrypoint"),
        "write the command as the image's CMD, or default-command in the settings file",
    ),
    "default-command": 'write it in the settings file: default-command = ["nginx", "-g", "daemon off;"]',
    **dict.fromkeys(("tini", "supervise", "supervisor", "dumb-init", "reap", "pid1"), "set --init, PYDROP_INIT=1"),
    **dict.fromkeys(("root", "as-root", "allow-root"), "write PUID=0, or user root, where the program must be root"),
    **dict.fromkeys(
        ("workdir", "cwd", "working-dir", "chdir"), "the program starts in the image's WORKDIR (docker run -w)"
    ),
    **dict.fromkeys(("env", "environment"), "set variables in the image or the container (docker run -e)"),
    **dict.fromkeys(("tz", "timezone"), "set the variable TZ, which is the program's"),
    **dict.fromkeys(
        ("pre-start", "prestart", "init-d", "entrypoint-d", "scripts", "hooks-dir"),
        "put executables into the folder of hooks: --hooks, PYDROP_HOOKS",
    ),
    **dict.fromkeys(("file", "config-file", "settings"), "set the variable PYDROP_CONFIG"),
}


def for_value(setting: str, word: str) -> str:
    """What to write in place of the setting's value; "" where nobody knows."""
    return OF_VALUES.get(setting, {}).get(word.lower().replace("-", "").replace("_", "")[:32], "")


def for_name(name: str) -> str:
    """What does the same as a setting of this name would; "" where nobody knows."""
    return OF_NAMES.get(name.lower().replace("_", "-")[:32], "")
