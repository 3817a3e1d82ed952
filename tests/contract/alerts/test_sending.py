"""A channel that is down, a sender that dies, and a message that goes out all the same."""

from __future__ import annotations

import pytest

from pipewarden.core.monitoring.alerts.incidents import IncidentState
from pipewarden.delivery.outcome import rejected
from pipewarden.monitoring.alerts import sending
from pipewarden.monitoring.alerts.acting import try_channels
from pipewarden.monitoring.alerts.watching import tick
from pipewarden.store.state.monitoring.alerts import notices
from pipewarden.store.state.monitoring.alerts.notices import NoticeState


class Died(BaseException):
    """The process is gone: nothing after this runs."""


@pytest.fixture
def dies(monkeypatch):
    """Return what kills the sender in a window, so many times."""

    def arm(window, times=1):
        left = [times]

        def passing(here):
            if here == window and left[0]:
                left[0] -= 1
                raise Died

        monkeypatch.setattr(sending, "passing", passing)

    return arm


def fates(house, incident=1):
    with house.database.read() as conn:
        return {
            (one.channel, one.purpose.value): one.state
            for one in notices.of_incident(conn, incident)
        }


def state_of(house, channel):
    with house.database.read() as conn:
        return notices.channels(conn)[channel]


def test_a_channel_that_is_down_is_tried_again_with_longer_and_longer_waits(house):
    house.boxes["mail"].breaks()
    taken = house.auc(0.6)
    assert taken.sent.errors == {"mail": "nobody answers"}
    assert state_of(house, "mail").retry_at == house.now + sending.timedelta(seconds=10)
    for _ in range(60):
        house.after(seconds=5)
        tick(house.context)
    assert 4 <= house.boxes["mail"].asked <= 6
    house.boxes["mail"].mends()
    house.watched(minutes=10)
    assert len(house.boxes["mail"].sent) == 1
    assert state_of(house, "mail").failures == 0


def test_after_three_tries_the_next_channel_is_told_and_says_why(house):
    house.boxes["mail"].breaks()
    house.auc(0.6)
    house.watched(minutes=3)
    (told,) = house.boxes["call"].sent
    assert told.text.endswith("Sent here because it could not be sent to: mail.\n")
    assert fates(house) == {
        ("mail", "raised"): NoticeState.WAITING,
        ("call", "raised"): NoticeState.SENT,
    }


def test_when_that_one_is_down_too_it_is_the_console(house):
    house.boxes["mail"].breaks()
    house.boxes["call"].breaks()
    house.auc(0.6)
    house.watched(minutes=10)
    (told,) = house.boxes["console"].sent
    assert "could not be sent to: call" in told.text


def test_of_a_channel_known_to_be_down_the_next_is_told_at_once(house):
    house.boxes["mail"].breaks()
    house.auc(0.6)
    house.watched(minutes=3)
    house.took(house.seen("label.coverage", 0.1))
    assert len(house.boxes["call"].sent) == 2


def test_a_message_that_will_never_be_taken_goes_to_the_next_channel_at_once(house):
    house.boxes["mail"].says = lambda _: rejected("rejected", "no such mailbox")
    house.auc(0.6)
    assert house.boxes["mail"].asked == 1
    assert len(house.boxes["call"].sent) == 1
    assert fates(house)[("mail", "raised")] is NoticeState.FAILED


def test_one_channel_that_is_broken_does_not_hide_the_others(house):
    def burst(_):
        raise RuntimeError("token=abcdef123456")

    house.rules(house.text.replace("channels: [mail], una", "channels: [all], una"))
    house.boxes["call"].says = burst
    taken = house.auc(0.6)
    assert taken.sent.errors == {"call": "box: RuntimeError token=[redacted]"}
    assert len(house.boxes["mail"].sent) == len(house.boxes["console"].sent) == 1


def test_what_waits_for_a_channel_that_the_settings_lose_goes_to_the_next(house):
    house.boxes["mail"].breaks()
    house.auc(0.6)
    del house.boxes["mail"]
    house.rules(house.text.replace("[mail]", "[call]"))
    house.watched(minutes=1)
    assert len(house.boxes["call"].sent) == 1


def test_a_sender_that_dies_before_it_sends_is_made_up_for(house, dies):
    dies("notice.claimed")
    with pytest.raises(Died):
        house.auc(0.6)
    assert house.boxes["mail"].sent == []
    house.watched(minutes=3)
    assert len(house.boxes["mail"].sent) == 1


def test_a_sender_that_dies_before_it_notes_repeats_once_under_the_same_id(house, dies):
    dies("notice.sent")
    with pytest.raises(Died):
        house.auc(0.6)
    house.watched(minutes=10)
    first, second = house.boxes["mail"].sent
    assert first.id == second.id
    assert fates(house)[("mail", "raised")] is NoticeState.SENT


def test_a_second_death_gives_the_message_up_to_another_channel(house, dies):
    dies("notice.sent", times=2)
    with pytest.raises(Died):
        house.auc(0.6)
    house.after(minutes=2)
    with pytest.raises(Died):
        tick(house.context)
    house.watched(minutes=10)
    assert len(house.boxes["mail"].sent) == 2
    assert len(house.boxes["call"].sent) == 1
    assert fates(house)[("mail", "raised")] is NoticeState.FAILED


def test_while_one_sends_nobody_else_does(house):
    others = []

    def slow(_):
        others.append(tick(house.beside().context).sent.messages)
        return sending.Outcome(sending.Fate.DELIVERED)

    house.boxes["mail"].says = slow
    house.auc(0.6)
    assert others == [0]
    assert house.boxes["mail"].asked == 1


def test_what_is_over_before_it_could_be_told_is_told_as_over_only(house):
    house.boxes["mail"].breaks()
    house.auc(0.6)
    for _ in range(2):
        house.after(seconds=1)
        house.auc(0.8)
    house.boxes["mail"].mends()
    house.watched(minutes=2)
    assert [s.partition("]")[0] for s in house.boxes["mail"].subjects] == ["[RESOLVED"]
    assert house.all()[0].state is IncidentState.RESOLVED


def test_a_test_message_says_that_nothing_is_wrong_and_what_does_not_work(house):
    house.boxes["call"].breaks()
    tried = {one.name: one.works for one in try_channels(house.context)}
    assert tried == {"call": False, "console": True, "mail": True}
    assert "Nothing is wrong." in house.boxes["mail"].sent[0].text
