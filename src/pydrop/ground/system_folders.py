"""The system's folders and files, which are nobody's to be given. Pure tables of paths without links.

A folder of an image is either the system's or a program's, and a name is all that tells. So the tables name what root's
programs themselves search, load or obey (commands, libraries, their settings), and a folder that a package has in
/usr/share, /var, /srv, /opt or of its own in /etc stays a program's.
"""

# These themselves, and whatever holds them; what lies in them is looked at by its own name.
ITSELF = (
    *("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run"),
    *("/sbin", "/sys", "/usr", "/var", "/tmp", "/var/tmp", "/run/lock", "/run/secrets", "/run/user", "/dev/shm"),
    *("/usr/local", "/usr/local/etc", "/usr/local/share", "/usr/share", "/var/lib", "/var/spool"),
)
# These, and all that lies in them.
WHOLE = (
    *("/bin", "/boot", "/dev", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/sbin", "/sys"),
    *("/usr/bin", "/usr/games", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/libexec"),
    *("/usr/sbin", "/usr/local/bin", "/usr/local/games", "/usr/local/lib", "/usr/local/lib64"),
    *("/usr/local/libexec", "/usr/local/sbin", "/usr/share/bash-completion", "/usr/share/ca-certificates"),
    *("/usr/share/perl", "/usr/share/perl5", "/usr/share/python3", "/usr/share/zoneinfo", "/usr/local/share/perl"),
    *("/usr/local/share/ca-certificates", "/run/pydrop", "/run/systemd", "/run/tmpfiles.d", "/var/lib/apk"),
    *("/var/lib/apt", "/var/lib/dpkg", "/var/lib/pam", "/var/lib/rpm", "/var/spool/cron"),
)
# Of /etc: what the shell, the linker, cron, su, the package manager and the like obey; pydrop's own besides.
ETC = (
    *("alternatives", "apk", "apt", "bash.bashrc", "bash_completion.d", "bashrc", "binfmt.d", "ca-certificates"),
    *("ca-certificates.conf", "conf.d", "cron.allow", "cron.d", "cron.daily", "cron.deny", "cron.hourly"),
    *("cron.monthly", "cron.weekly", "cron.yearly", "crontab", "crontabs", "dbus-1", "default", "dpkg", "environment"),
    *("environment.d", "fstab", "group", "gshadow", "host.conf", "hosts", "init", "init.d", "inittab", "inputrc"),
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ld.so.preload", "local.d", "login.defs", "logrotate.conf"),
    *("logrotate.d", "modprobe.d", "modules", "modules-load.d", "netconfig", "network", "nsswitch.conf"),
    *("pam.conf", "pam.d", "passwd", "perl", "periodic", "pki", "profile", "profile.d", "pydrop.d"),
    *("pydrop.toml", "python3", "rc.d", "rc.local", "rc0.d", "rc1.d", "rc2.d", "rc3.d", "rc4.d", "rc5.d"),
    *("rc6.d", "rcS.d", "resolv.conf", "rpm", "runlevels", "securetty", "security", "selinux", "shadow"),
    *("shells", "skel", "ssh", "ssl", "subgid", "subuid", "sudo.conf", "sudoers", "sudoers.d", "sv", "sysconfig"),
    *("sysctl.conf", "sysctl.d", "systemd", "terminfo", "tmpfiles.d", "udev", "update-motd.d", "xdg", "yum.repos.d"),
    *(
        "zsh",
        "s6-overlay",
        "services.d",
        "cont-init.d",
        "cont-finish.d",
        "fix-attrs.d",
    ),
)
_WHOLE = frozenset((*WHOLE, *[f"/etc/{name}" for name in ETC]))
_ALL = (*ITSELF, *_WHOLE)
# A folder in one of WHOLE that is a mount is a volume of whoever mounted it; not so in these.
KERNELS = ("/dev", "/proc", "/sys")
SHARED_MEMORY = "/dev/shm/"  # a tmpfs like /run, with room for folders of programs


def above(path: str) -> str:
    """The folder of WHOLE that `path` is or lies in; "" where there is none. `path` is without links."""
    if path.startswith(SHARED_MEMORY):
        return ""
    while path and path not in _WHOLE:
        path = path.rpartition("/")[0]
    return path


def held(path: str) -> str:
    """What of the system `path` is or holds; "" where that is nothing. `path` is without links."""
    if path in ITSELF:
        return path
    return next((name for name in _ALL if name.startswith(f"{path}/")), "")
