"""The step of init mode: who init becomes, and how it looks after the command. `step_builders` calls it."""

from pydrop.model import Facts, Settings, Supervision
from pydrop.planning.decision import Decision
from pydrop.settings.init_values import not_both
from pydrop.signals import name_of
from pydrop.steps import InitStep


def step(decision: Decision) -> InitStep:
    """The step. Init becomes the command's identity, unless keep-root is set.

    Raises BadSetting where init would stay root and make a file in a folder that the program's user may write."""
    settings, facts, who = decision.settings, decision.facts, decision.who
    if settings.keep_root and settings.ready_file is not None and who.uid != 0:
        sources = settings.sources
        raise not_both(sources["keep-root"], sources["ready-file"], settings.ready_file)
    process = "PID 1" if facts.pid == 1 else f"process {facts.pid}"
    stops = "never" if settings.stop_timeout is None else f"{settings.stop_timeout:g} s later"
    becomes = "stays root" if settings.keep_root else f"becomes {who.uid}:{who.gid} too"
    return InitStep(
        words=f"{process} stays to pass signals on and to reap, and {becomes}; "
        f"a stop is {name_of(settings.stop_signal)}, and KILL {stops}",
        why=settings.sources.get("init", ""),
        supervision=supervision(settings, facts),
        identity=None if settings.keep_root else who,
        keep_root=who.uid == 0,
        empty_bounding=decision.empties_bounding_set,
        keeps_kill=not decision.no_new_privs,
        name=settings.command[0],
        level=settings.log_level,
        form=settings.log_format,
    )


def supervision(settings: Settings, facts: Facts) -> Supervision:
    """The supervision that the settings ask for.

    pydrop sends READY=1 only where the setting `ready` says how to know it. Else the command sends it itself."""
    has_socket = any([line.startswith("NOTIFY_SOCKET=") for line in facts.environment])
    return Supervision(
        stop_signal=settings.stop_signal,
        stop_timeout=settings.stop_timeout,
        kill_grace=settings.kill_grace,
        rewrite=settings.rewrite,
        group=settings.signal_group,
        exit_codes=settings.exit_codes,
        pdeathsig=settings.pdeathsig,
        ready=settings.ready,
        ready_file=settings.ready_file,
        announces=has_socket and "ready" in settings.sources,
    )
