"""Runs killed at random moments and continued: what was lost, doubled or left unreadable."""

from __future__ import annotations

import subprocess
import sys
import time

from measuring import ROOT, Claim, Result, main

KILLS, QUICK_KILLS, SEED = 100, 12, 1
_HARNESS = ROOT / "tests" / "crash" / "harness.py"


def measure(quick: bool) -> Result:
    """Return the counts."""
    kills = QUICK_KILLS if quick else KILLS
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(_HARNESS), "--kills", str(kills), "--seed", str(SEED)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    result = Result("Randomised kill test", ("kills", "lost", "duplicated", "unreadable", "took"))
    last = (done.stdout.strip().splitlines() or [""])[-1]
    counts = last.replace(" ", "").split(",")
    asked = f"{kills} kills, 0 lost, 0 duplicated, 0 unreadable"
    if len(counts) != 4 or not all(count.isdigit() for count in counts):
        result.claims.append(Claim(asked, f"the harness ended with {done.returncode}", False))
        result.notes.append((done.stderr or done.stdout).strip()[-500:])
        return result
    result.rows.append((*counts, f"{seconds:.0f} s"))
    holds = counts == [str(kills), "0", "0", "0"] and done.returncode == 0
    said = "{} kills, {} lost, {} duplicated, {} unreadable".format(*counts)
    result.claims.append(Claim(asked, said, holds))
    result.notes.append(f"seed {SEED}; details of any damage are printed by the harness")
    return result


if __name__ == "__main__":
    sys.exit(main(measure))
