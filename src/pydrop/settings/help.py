"""What `pydrop --help` prints, made from the table of settings."""

from pydrop.settings.table import ROWS, Row

HEAD = """\
Usage: pydrop [OPTION]... [--] COMMAND [ARG]...

Puts the container in order as root, gives up root for good, and becomes COMMAND.
The first word that is no option starts the command; nothing behind it is parsed.

"""
TAIL = """\

  --help                       show this and exit
  --version                    show the version and exit

PUID and PGID in the environment are the numbers that the account gets. FILE__NAME=PATH sets
NAME from a file. Every option is also a variable (--chown-policy: PYDROP_CHOWN_POLICY) and a
key of /etc/pydrop.toml (chown-policy; PYDROP_CONFIG names another file). An option wins over
the environment, the environment over the file.

Example: docker run -e PUID=1500 -e PGID=1500 -e PYDROP_CHOWN=/data -v ./data:/data IMAGE
See also: pydropctl --help
"""


def _line(row: Row) -> str:
    option = f"--{row.name}[={row.form}]" if row.flag else f"--{row.name} {row.form}"
    return f"  {option:<28} {row.meaning}\n"


HELP = HEAD + "".join([_line(row) for row in ROWS if row.option and row.form != "-"]) + TAIL
