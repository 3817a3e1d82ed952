"""What healings cost: their steps by themselves, the runs of their candidates apart."""

from __future__ import annotations

from pipewarden.core.costs.figures import CostKind
from pipewarden.core.healing.states import HealingState
from pipewarden.healing.looping import once
from pipewarden.jobs.costs.summing import account
from pipewarden.store.state.costs import rows


def test_a_healing_records_its_own_steps_and_names_its_run(made):
    held = made()
    held.fall_ill()
    once(held.healer())
    (healing,) = held.healings()
    assert healing.state is HealingState.VERIFYING
    with held.workspace.database.read() as conn:
        own = rows.get(conn, CostKind.HEALING, healing.name)
        run = rows.get(conn, CostKind.RUN, own.run_id)
    assert own.run_id == healing.facts["job"]
    assert own.attempts >= 6  # a state each
    assert own.cpu_seconds > 0
    assert own.items == 0
    assert (run.items, run.quarantined) == (1, 0)

    told = account(held.workspace, days=1000)
    (shown,) = told.healings
    assert (shown.state, shown.shared) == ("verifying", 1)
    assert shown.own.cpu_seconds == own.cpu_seconds
    assert shown.run.cpu_seconds == run.cpu_seconds
    (model,) = told.models
    assert (model.name, model.fits, model.healings) == ("mean", 2, 1)
    runs = sum(one.now.used.cpu_seconds for one in told.pipelines)
    assert told.now.used.cpu_seconds == runs + own.cpu_seconds


def test_a_healing_in_vain_is_told_with_what_it_took(made):
    held = made()
    held.fall_ill()
    once(held.healer())
    held.ask(10, 1000.0)
    held.hours += 2
    once(held.healer())
    assert held.healings()[0].state is HealingState.ROLLED_BACK
    told = account(held.workspace, days=1000)
    (shown,) = told.healings
    found = [one for one in told.advice if one.code == "healings_in_vain"]
    assert [one.act for one in found] == ["pipewarden heal explain --model mean"]
    assert found[0].cpu_seconds == shown.own.cpu_seconds + shown.run.cpu_seconds
