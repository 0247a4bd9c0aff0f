"""The search of verify ends in its time in a folder of any number of entries."""

import os
import time

from pydrop.ctl.verifying import set_id_files
from pydrop.model import Credentials
from tests.pure.worlds import credentials


def test_a_folder_is_not_listed_whole_before_the_time_is_looked_at(tmp_path, monkeypatch):
    for number in range(50):
        (tmp_path / f"{number}").touch()
    real, listed = os.scandir, []

    class Counted:
        def __init__(self, folder):
            self.entries = real(folder)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.entries.close()

        def __iter__(self):
            return self

        def __next__(self):
            listed.append(next(self.entries))
            return listed[-1]

    monkeypatch.setattr(os, "scandir", Counted)
    held: Credentials = credentials()
    found = set_id_files.Grants()
    over = time.monotonic() - 1
    assert not set_id_files._walk(str(tmp_path), set(), set_id_files.as_this(held), found, over)
    assert (len(listed), found.looked_at) == (1, 0)
    assert set_id_files._walk(str(tmp_path), set(), set_id_files.as_this(held), found, over + 60)
    assert found.looked_at == 50
