"""The results of `pydropctl chown`: lines for people, JSON for programs."""

import errno
import json

from pydrop.model import Volume
from pydrop.perform.ownership import VolumeReport, complaints
from pydrop.perform.ownership.complaints import Complaint
from pydrop.perform.ownership.volume_report import Refusals
from pydrop.report import escaped

READ_ONLY = "it is mounted read-only: take :ro, or in Kubernetes readOnly: true, away from this mount"
MISSING = "mount it, or add --create to have it made"
LINKED = "if all of those may be chowned, add --hard-links"


class Result:
    """The result of chowning one volume. `owner` is shown as it is, like "1500:1500"."""

    def __init__(self, volume: Volume, owner: str, report: VolumeReport, dry: bool) -> None:
        self.volume = volume
        self.owner = owner
        self.report = report
        self.dry = dry

    @property
    def would_be_made(self) -> bool:
        return self.dry and self.volume.create and (self.report.missing or self.report.created)

    @property
    def failed(self) -> bool:
        """Whether something is not as asked; files that were left alone for safety are no failure."""
        report = self.report
        wrong = report.refused or report.missing or report.replaced or report.busy or report.shown
        return bool(wrong) and not self.would_be_made

    # -- for people ------------------------------------------------------------------------------

    def lines(self) -> list[str]:
        """One line for the volume, and one for each reason why something was not changed."""
        complaints = [f"  {complaint.problem}; {complaint.remedy}" for complaint in self.complaints()]
        if self.report.missing and not self.would_be_made:
            return [complaint.strip() for complaint in complaints]
        return [self._summary(), *complaints]

    def _summary(self) -> str:
        report = self.report
        if self.volume.policy == "never":
            return f"{self.volume.path}: left alone, as the policy never says"
        done = self._would_do() if self.dry else report.words(self.volume.path, self.owner)
        if not done:
            done = f"{self.volume.path}: nothing {'changed' if report.refused else 'to change'} for {self.owner}"
            done += f", mounts below left alone ({report.mounts})" if report.mounts.count else ""
        if not (report.given or (self.dry and report.changed)):
            done += f", {_counted(report.looked_at, 'entry', 'entries')} looked at"
        return done + self._took()

    def _would_do(self) -> str:
        parts = ["would be made"] if self.would_be_made else []
        if self.report.changed:
            mode = f" with mode {self.volume.mode}" if self.volume.mode else ""
            parts.append(
                f"{self.report.changed} of {self.report.looked_at} entries would be changed to {self.owner}{mode}"
            )
        return f"{self.volume.path}: {', '.join(parts)}" if parts else ""

    def _took(self) -> str:
        report = self.report
        waited = f", after {duration(report.waited)} of waiting for another container" if report.waited >= 0.1 else ""
        processes = f" by {_counted(report.processes, 'process', 'processes')}" if report.looked_at else ""
        return f" in {duration(report.seconds - report.waited)}{processes}{waited}"

    def complaints(self) -> list[Complaint]:
        """The complaints of a start about this volume, but with remedies that fit this command."""
        failed, warned = complaints.complaints(self.volume, self.owner, self.report)
        others = [name for name in ("missing", "replaced", "busy", "shown") if getattr(self.report, name)]
        left = [name for name in ("linked", "idmapped") if getattr(self.report, name).count]
        keys: list[object] = [*sorted(self.report.refused), *others, *left]
        remedies = {errno.EROFS: READ_ONLY, "missing": MISSING, "linked": LINKED}
        found = []
        for key, complaint in zip(keys, [*failed, *warned], strict=True):
            if not (key == "missing" and self.would_be_made):
                found.append(Complaint(problem=complaint.problem, remedy=remedies.get(key, complaint.remedy)))
        return found

    # -- for programs ----------------------------------------------------------------------------

    def as_object(self) -> dict[str, object]:
        """One element of "volumes"; docs/volumes.md describes it."""
        report, told = self.report, self.complaints()
        return {
            "path": escaped(self.volume.path),
            "policy": self.volume.policy,
            "looked_at": report.looked_at,
            "changed": report.changed,
            "given": report.given,
            "refused": [
                {
                    "reason": errno.errorcode.get(number, str(number)),
                    "message": escaped(f"{complaint.problem}; {complaint.remedy}"),
                    **_names(report.refused[number]),
                }
                for number, complaint in zip(sorted(report.refused), told, strict=False)
            ],
            "left_alone": _names(report.linked),
            "mounts": _names(report.mounts),
            "idmapped": _names(report.idmapped),
            "shown_as": f"{report.shown[0]}:{report.shown[1]}" if report.shown else "",
            "busy": report.busy,
            "missing": report.missing and not self.would_be_made,
            "replaced": report.replaced,
            "created": report.created or self.would_be_made,
            "seconds": round(report.seconds, 3),
            "waited": round(report.waited, 3),
            "processes": report.processes,
        }


def as_json(results: list[Result], dry: bool) -> str:
    """The JSON document of a whole run."""
    return json.dumps({"dry_run": dry, "volumes": [result.as_object() for result in results]}, indent=2)


def duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _names(refusals: Refusals) -> dict[str, object]:
    return {"count": refusals.count, "names": [escaped(name) for name in refusals.names]}
