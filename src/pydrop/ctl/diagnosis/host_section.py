"""Section "Beyond the container" of a diagnosis: ways to the host, as the program's user would find them."""

from pydrop.capabilities import mask_of
from pydrop.ctl import host_reach
from pydrop.ctl.diagnosis.findings import Change, Fact, Section, advice
from pydrop.ctl.diagnosis.world import World
from pydrop.ctl.host_reach import Looker


def examine(world: World) -> tuple[Section, list[Change]]:
    looker = _looker(world)
    ways, elsewhere = host_reach.ways(looker), host_reach.elsewhere(looker)
    changes = [advice(f"host {way.name}", way.found, way.remedy) for way in ways if way.found and not way.asked]
    facts = [Fact(name=w.name, found=_words(w), level="problem" if not w.asked else "note") for w in ways if w.found]
    if elsewhere:
        facts.append(Fact(name="daemon elsewhere", found=elsewhere, level="note"))
    closed = ", ".join([way.name for way in ways if not way.found])
    if closed:
        facts.append(Fact(name="out of reach", found=closed))
    return Section(title="Beyond the container", facts=tuple(facts)), changes


def _words(way: host_reach.Reach) -> str:
    return f"{way.found} ({way.asked} asks for it)" if way.asked else way.found


def _looker(world: World) -> Looker:
    """As the program's user, where root looks and knows who that is; else as this process."""
    who = world.wanted if world.is_root and world.wanted else None
    kept = mask_of(world.settings.keep_caps) if world.settings else 0
    held = world.held.permitted if who is None or who.uid == 0 else world.held.permitted & kept
    return Looker(
        who=who,
        settings=world.settings,
        environment=world.start.environment,
        mounts=world.mounts,
        capabilities=held,
    )
