"""What is said of a volume on an idmapped mount, by a plan, a start, doctor and verify."""


def problem(path: str, shown: tuple[int, int], owner: str) -> str:
    return (
        f"the volume {path} is not chowned to {owner}: it is an idmapped mount, through which it shows as "
        f"{shown[0]}:{shown[1]}"
    )


def remedy(path: str, owner: str) -> str:
    """The lines that mount it with a map to `owner`, like "1500:1500". OWNER and GROUP cannot be seen from in here."""
    uid, _, gid = owner.partition(":")
    return (
        f"map its owner on the host (OWNER:GROUP of ls -ldn) to {uid}:{gid}: podman run --mount "
        f"'type=bind,src=./data,dst={path},idmap=uids=OWNER-{uid}-1;gids=GROUP-{gid}-1' "
        f"(Kubernetes: securityContext: {{fsGroup: {gid}}}), or mount it without a map"
    )


def roots(path: str, owner: str) -> str:
    """Of the policy idmap, for a folder that is root's."""
    return (
        f"unable to mount {path} with a map to {owner}: it is root's on the disk, so what the program creates there "
        "would be root's too, set-uid files and links that a start follows"
    )


def not_roots(path: str) -> str:
    return f"on the host: chown -R 1000:1000 the folder (any number but 0), or take another policy, as {path}:mismatch"
