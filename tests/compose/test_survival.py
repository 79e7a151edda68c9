"""Kill containers during work, and check that every photo is accounted for."""

from collections.abc import Callable

from tests.support.compose.stack import SLOW, Stack, run
from tests.support.compose.visitor import System
from tests.support.factories import face_photo
from tests.support.waiting import wait_until

PHOTOS = 60


def statuses(stack: Stack) -> dict[str, int]:
    rows = stack.query("SELECT status, count(*) FROM emotions_snapshot GROUP BY status").splitlines()
    return {status: int(count) for status, count in (row.split("|") for row in rows)}


def upload(system: System, customer: str, count: int, name: str) -> list[str]:
    answers = [system.upload(customer, face_photo(f"{name} {number}")) for number in range(count)]
    assert {answer.status_code for answer in answers} == {202}
    return [answer.json()["id"] for answer in answers]


def wait_for(stack: Stack, condition: Callable[[dict[str, int]], bool], what: str) -> None:
    wait_until(lambda: condition(statuses(stack)), what, SLOW)


def kill_all_processes(container: str) -> None:
    """Kill the service's processes from inside, as a crash would.

    Docker restarts a container after a crash, but not after `docker kill`, which it takes for the operator's wish.
    """
    run("docker", "exec", container, "sh", "-c", "kill -9 -1", check=False)


def test_every_photo_is_accounted_for(stack: Stack, system: System, customer: str) -> None:
    before = statuses(stack).get("analysed", 0)
    stack.compose("up", "--detach", "--no-recreate", "--scale", "worker=3")
    stack.wait_until_healthy("worker", 3)
    uploaded = upload(system, customer, PHOTOS // 2, "burst")
    crashed, killed, _ = stack.containers("worker")
    kill_all_processes(crashed)
    run("docker", "kill", killed)
    uploaded += upload(system, customer, PHOTOS // 4, "without two workers")
    stack.compose("restart", "redis")
    uploaded += upload(system, customer, PHOTOS // 4, "after Redis")
    stack.compose("up", "--detach", "--no-recreate", "--scale", "worker=3")
    wait_for(stack, lambda found: found == {"analysed": before + PHOTOS}, "every photo is analysed")
    assert len(set(uploaded)) == PHOTOS
    records = "SELECT count(*), count(DISTINCT (snapshot_id, model_version_id, face_index)) FROM emotions_emotionrecord"
    assert stack.query(records) == f"{before + PHOTOS}|{before + PHOTOS}"
    files = stack.query("SELECT file FROM emotions_snapshot WHERE file <> ''").split()
    assert stack.photos_on_disk() == set(files)
    stack.wait_until_healthy("worker", 3)


def test_a_worker_that_is_stopped_leaves_no_photo_behind(stack: Stack, system: System, customer: str) -> None:
    upload(system, customer, 9, "before the stop")
    stopped = stack.containers("worker")
    stack.compose("stop", "worker")
    assert {stack.inspect(container)["State"]["ExitCode"] for container in stopped} == {0}
    assert "analysing" not in statuses(stack)
    stack.compose("start", "worker")
    wait_for(stack, lambda found: set(found) == {"analysed"}, "the rest is analysed")
