"""Decides, from the text of passwd(5) and group(5), which identity the program gets, and builds the files' new text.

Planning and pydropctl call `identity`; the performers of AccountsStep call the functions that build text. Values in,
values out: nothing here opens a file or asks NSS, since a start must not wait for a directory service. A malformed
line must not become an account either (gosu runs ``weird:x:abc:…`` as uid 0).
"""

from pydrop.accounts.account_lines import accounts, entries_alone, groups, parse_id
from pydrop.accounts.decide import identity
from pydrop.accounts.lookup import free_group_name
from pydrop.accounts.rewrite import NEW_FILES, group_with, passwd_line, passwd_with
from pydrop.process import MAX_ID

__all__ = [
    "MAX_ID",
    "NEW_FILES",
    "accounts",
    "entries_alone",
    "free_group_name",
    "group_with",
    "groups",
    "identity",
    "parse_id",
    "passwd_line",
    "passwd_with",
]
