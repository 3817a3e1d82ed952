"""Play the scenarios of the closed loop, and write each as a page with its timeline.

It is played in the laboratory of the acceptance tests, by the same stories. It takes some minutes,
so no test writes the pages anew: ``make healing-pages`` does, or one of them with its name.
"""

# ruff: noqa: T201

from __future__ import annotations

import importlib
import sys
import tempfile
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from telling import page_of, timeline_of

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests" / "acceptance" / "healing"
PAGES = ROOT / "docs" / "discussion" / "healings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is played, and what its page says of it.

    Parameters
    ----------
    story
        The name of its function in ``stories.py``.
    world
        The world, in two sentences.
    end
        What to see in it.
    test
        The file and the name of the test that plays it, too.
    """

    story: str
    title: str
    world: str
    end: str
    test: tuple[str, str]

    @property
    def name(self) -> str:
        """The name of its page."""
        return self.story.replace("_", "-")


SCENARIOS = (
    Scenario(
        story="sudden_shift",
        title="Healed: a sudden shift",
        world="On day 1 incomes rise by half, people are older and hold more debt, and what makes "
        "them fail to pay changes altogether. 1,440 requests come a day, each with its label after "
        "12 hours.",
        end="The champion is retrained on the new world, tried as a canary on half of the "
        "requests, promoted, and proved on live answers. The oracle is a version trained on 6,000 "
        "people of the new world, as somebody would have it who had known of the change; it is "
        "measured on people that nobody was trained on.",
        test=(
            "test_sudden_shift.py",
            "test_a_sudden_shift_is_healed_to_within_a_point_of_an_oracle",
        ),
    ),
    Scenario(
        story="drift_without_decay",
        title="Healed: drift without decay",
        world="On day 1 incomes rise by half, and people are older and hold more debt; what makes "
        "them fail to pay stays what it was. 720 requests come a day, each with its label after 12 "
        "hours.",
        end="The columns drift, and the answers stay as good as they were. So it is decided not to "
        "retrain, once, with both figures; the same decision again is counted, not written again.",
        test=(
            "test_no_healing.py",
            "test_drift_without_decay_is_decided_against_once_and_counted",
        ),
    ),
    Scenario(
        story="poisoned_data",
        title="Healed: poisoned data",
        world="From day 1 on every label arrives as its opposite; the people stay as they were. "
        "1,440 requests come a day, each with its label after 12 hours.",
        end="What learns from such labels goes against what is expected of its features: its "
        "training gate refuses and quarantines it, and the champion stays. The measured AUC of the "
        "champion is wrong here, because the labels are.",
        test=(
            "test_bad_models.py",
            "test_poisoned_labels_teach_a_candidate_that_is_quarantined",
        ),
    ),
    Scenario(
        story="bad_model",
        title="Healed: a bad model",
        world="Nothing in the world changes; on day 2 somebody with access to the database lets a "
        "version serve past every gate, which learnt of another world. 1,440 requests come a day, "
        "each with its label after 12 hours.",
        end="After one window with labels the version is compared with the one before it on the "
        "rows that it answered itself, and the one before serves again. Nobody was asked.",
        test=(
            "test_bad_models.py",
            "test_a_bad_version_that_was_forced_through_is_rolled_back_within_a_window",
        ),
    ),
    Scenario(
        story="flapping",
        title="Healed: a world that flaps",
        world="From day 1 on what makes people fail to pay changes, and changes back, every day "
        "and a half. 1,440 requests come a day, each with its label after 12 hours; the breaker "
        "opens after two healings that did not help.",
        end="Whatever is learnt of one world is wrong in the next. Two candidates are refused, "
        "with a cooldown between them; then the breaker holds until a person closes it, and the "
        "champion serves all the time.",
        test=(
            "test_bad_models.py",
            "test_a_flapping_world_meets_the_breaker_and_the_champion_stays",
        ),
    ),
    Scenario(
        story="stable",
        title="Healed: nothing, for thirty days",
        world="Nothing in the world changes for thirty days. 480 requests come a day, each with "
        "its label after 12 hours.",
        end="No healing begins, and at most one alert is raised by the rules of the package.",
        test=("test_no_healing.py", "test_a_stable_world_is_left_alone_for_thirty_days"),
    ),
)


def main() -> int:
    """Write the pages that are named, or all."""
    wanted = set(sys.argv[1:])
    if unknown := wanted - {one.name for one in SCENARIOS}:
        sys.exit(f"no such page: {', '.join(sorted(unknown))}")
    PAGES.mkdir(parents=True, exist_ok=True)
    for scenario in SCENARIOS:
        if wanted and scenario.name not in wanted:
            continue
        text, drawing = played(scenario)
        (PAGES / f"{scenario.name}.svg").write_text(drawing, encoding="utf-8")
        (PAGES / f"{scenario.name}.md").write_text(text, encoding="utf-8")
        print(f"wrote {PAGES.relative_to(ROOT) / scenario.name}.md and .svg")
    return 0


def played(scenario: Scenario) -> tuple[str, str]:
    """Play a scenario; return its page and its timeline."""
    sys.path.insert(0, str(TESTS))
    stories, laboratory = (importlib.import_module(name) for name in ("stories", "laboratory"))
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())

        def make(world: str, policy: Any = None, **plan: Any) -> Any:
            lab = laboratory.opened(Path(home, "home"), world, policy, **plan)
            stack.callback(lab.close)
            return lab

        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):  # alerts, on the console
            lab = getattr(stories, scenario.story)(make)
        timeline = timeline_of(lab)
        oracle = None
        if scenario.story == "sudden_shift":
            oracle = lab.auc(stories.oracle_of(lab), stories.NEW_WORLD)
        return page_of(scenario, timeline, oracle)


if __name__ == "__main__":
    sys.exit(main())
