"""Kills at random moments: after a random time, and in random windows."""

from __future__ import annotations

import os

from harness import kill_at_random

KILLS = int(os.environ.get("PIPEWARDEN_KILLS", "12"))


def test_kills_at_random_moments_cost_nothing(launcher, folder):
    count = kill_at_random(launcher, folder, KILLS, seed=1)
    assert count.details == []
    assert count.kills >= KILLS
    assert (count.lost, count.duplicated, count.unreadable, count.left) == (0, 0, 0, 0)
