"""The home folder of an account that gets other numbers: a volume that nobody named.

So what keeps it from being walked is told, but does not end the start unless chown-errors says `fail`.
"""

from errno import ENOTDIR

from pydrop.errors import BadSetting, PydropError, Untrusted
from pydrop.model import Outcome

from . import own, volume_path, watching
from .complaints import Complaint, complaints
from .volume_report import VolumeReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.model import Start
    from pydrop.steps import HomeStep


def perform(step: "HomeStep", start: "Start") -> Outcome:
    """Give what has the former numbers the new ones. A home that does not exist is nothing to speak of.

    Other errors than those of its path end the start whatever `errors` says: the walk has not come to its end, and must
    be repeated before the account files forget the former numbers.
    """
    volume, owner, words = step.volume, f"{step.uid}:{step.gid}", ""
    failed: list[Complaint] = []
    left: list[Complaint] = []
    report = VolumeReport()
    around = volume_path.Surroundings(named=(step.hooks_folder, start.name, start.environment), others=step.others)
    try:
        report = own(volume, step.uid, step.gid, step.groups, watching(start), around=around)
    except (BadSetting, Untrusted) as error:
        failed = [_not_walked(step, error)]
    finally:
        around.close()
    if not (report.silent or report.missing or ENOTDIR in report.refused):
        failed, left = complaints(volume, owner, report)
        words = report.words(volume.path, owner)
    if failed and step.errors == "fail":
        raise PydropError(failed[0].problem, failed[0].remedy)
    lines = [f"{complaint.problem}; {complaint.remedy}" for complaint in (*failed, *left)]
    return Outcome(changed=report.changed, words=f"home {words}" if words else "", warnings=tuple(lines))


def _not_walked(step: "HomeStep", error: PydropError) -> Complaint:
    path = step.volume.path
    return Complaint(
        problem=f"the home {path} of {step.name} keeps its former owner, though the account is {step.uid}:{step.gid} "
        f"now: {error.problem}",
        remedy=f"give {step.name} a home of its own in the image (usermod -d), or PYDROP_CHOWN what it needs",
    )
