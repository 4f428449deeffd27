"""Who guesses is shut out, for a while, and nobody else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asterisk_conf.layout import Layout
from ivr.clock import SystemClock
from ivr.guard import Guard

LINE = (
    '[2026-11-22 03:32:48.635] SECURITY[1] res_security_log.c: SecurityEvent="{event}",EventTV="x",Severity="Error",'
    'Service="PJSIP",EventVersion="1",AccountID="1001",LocalAddress="IPV4/UDP/127.0.0.1/5060",'
    'RemoteAddress="{remote}",Challenge="x"\n'
)


class HandClock(SystemClock):
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 3, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


class Post:
    """A guard and the log it reads."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder)
        self.layout.log.mkdir()
        self.log = self.layout.log / "security.log"
        self.log.write_text("")
        self.reloads = 0
        self.clock = HandClock()
        self.guard = self.make()

    def make(self) -> Guard:
        async def reload() -> None:
            self.reloads += 1

        never = ("192.0.2.0/24", "127.0.0.1")
        return Guard(self.layout, self.clock, failures=3, ban_s=600, never=never, reload=reload)

    def happens(self, remote: str, times: int = 1, event: str = "ChallengeResponseFailed") -> None:
        with self.log.open("a") as file:
            file.write(LINE.format(event=event, remote=remote) * times)


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


async def run(post: Post, *steps: tuple[str, int, float]) -> None:
    for remote, times, after_s in steps:
        post.clock.at += timedelta(seconds=after_s)
        post.happens(remote, times)
        await post.guard.look()


GUESSER = "IPV4/UDP/198.51.100.9/5060"


async def test_three_guesses_in_a_minute_are_enough(post: Post) -> None:
    await run(post, (GUESSER, 2, 0), ("IPV4/UDP/198.51.100.10/5060", 2, 0), (GUESSER, 1, 30))
    assert list(post.guard.banned) == ["198.51.100.9"]
    assert "deny = 198.51.100.9/255.255.255.255" in post.layout.bans.read_text()
    assert post.reloads == 1


async def test_three_guesses_in_an_hour_are_a_person(post: Post) -> None:
    await run(post, (GUESSER, 1, 0), (GUESSER, 1, 100), (GUESSER, 1, 100))
    assert post.guard.banned == {}


@pytest.mark.parametrize("remote", ["IPV4/UDP/192.0.2.7/5060", "IPV4/UDP/127.0.0.1/5060", "garbage", "IPV4/UDP/x/1"])
async def test_the_trunk_and_what_is_no_address_are_never_shut_out(post: Post, remote: str) -> None:
    await run(post, (remote, 50, 0))
    assert post.guard.banned == {}


async def test_other_events_are_no_guesses(post: Post) -> None:
    post.happens(GUESSER, 50, "ChallengeSent")
    post.happens(GUESSER, 50, "FailedACL")
    await run(post, (GUESSER, 0, 0))
    assert post.guard.banned == {}


async def test_an_address_of_the_sixth_version_too(post: Post) -> None:
    await run(post, ("IPV6/UDP/2001:db8::9/5060", 3, 0))
    assert "deny = 2001:db8::9/128" in post.layout.bans.read_text()


async def test_it_ends_after_its_time(post: Post) -> None:
    await run(post, (GUESSER, 3, 0), (GUESSER, 0, 599), (GUESSER, 0, 2))
    assert post.guard.banned == {}
    assert "deny" not in post.layout.bans.read_text()
    assert post.reloads == 2


async def test_who_was_shut_out_stays_so_over_a_restart(post: Post) -> None:
    post.happens(GUESSER, 3)
    await post.guard.look()
    successor = post.make()
    successor.banned = successor._read_list()
    assert successor.banned.keys() == post.guard.banned.keys()


async def test_a_line_half_written_is_read_when_it_is_whole_and_a_new_log_from_its_beginning(post: Post) -> None:
    line = LINE.format(event="InvalidPassword", remote=GUESSER)
    with post.log.open("a") as file:
        file.write(line * 2 + line[:80])
    await post.guard.look()
    assert post.guard.banned == {}
    with post.log.open("a") as file:
        file.write(line[80:])
    await post.guard.look()
    assert list(post.guard.banned) == ["198.51.100.9"]
    post.log.write_text("")
    await post.guard.look()
    post.happens("IPV4/UDP/198.51.100.77/5060", 3)
    await post.guard.look()
    assert "198.51.100.77" in post.guard.banned


async def test_the_ban_is_as_long_as_was_said(post: Post) -> None:
    post.happens(GUESSER, 3)
    await post.guard.look()
    (until,) = post.guard.banned.values()
    assert until - post.clock.now() == timedelta(seconds=600)
