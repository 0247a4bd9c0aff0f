"""The devices of a start without root, which cannot join their groups: what to add to the container."""

from pydrop.accounts.devices import device_groups
from pydrop.model import Facts, Identity, Settings


def warnings(settings: Settings, facts: Facts, who: Identity) -> list[str]:
    """One for the groups that this process lacks, one for each device that is not there or that no group opens."""
    lacking, _, closed = device_groups(facts.devices, who.uid, {who.gid, *who.groups}, [])
    absent = [f"{each.problem}; {each.remedy}" for each in facts.absent_devices]
    if not lacking:
        return [*absent, *closed]
    gids = [str(gid) for gid in sorted(lacking)]
    source = settings.sources.get("devices", "devices")
    options = " ".join([f"--group-add {gid}" for gid in gids])
    quoted = ", ".join([f'"{gid}"' for gid in gids])
    needs = (
        f"{source} needs group {', '.join(gids)}, which a start without root cannot join; add it to the container: "
        f"{options} (compose: group_add: [{quoted}], Kubernetes: supplementalGroups: [{', '.join(gids)}])"
    )
    return [needs, *absent, *closed]
