"""For tests, ours and those of others: builders of facts, a picture of a whole store, and the suite for every store.

A store is accepted when a subclass of `StoreConformance` passes:

    class TestMyStore(StoreConformance):
        def open(self, folder):
            return MyStore(folder)
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from taskscope import ingest, retention, stats
from taskscope.core.access import Action, SignIn, Token
from taskscope.core.clock import DAY, HOUR, MINUTE, SECOND, to_text
from taskscope.core.normalise import convert_event
from taskscope.ports import Filter, Keep, Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from taskscope.ingest import Fact
    from taskscope.ports import Store

START = 1_767_860_880 * SECOND
"""2026-01-08 08:28:00 UTC, a moment to count from."""
EVERYTHING = Filter()


def fact(kind: str, at_s: float = 0.0, **fields: Any) -> Fact:
    """Make a fact of a type, some seconds after `START`; other fields as the contract names them."""
    return convert_event({"type": kind, "time": to_text(START + round(at_s * SECOND)), **fields})


def a_run(task: str, start_s: float, length_s: float, outcome: str = "succeeded", **fields: Any) -> list[Fact]:
    """Make the facts of one run that was submitted a second before it started."""
    submitted = {key: value for key, value in fields.items() if key in ("job", "queue", "service", "attempt")}
    end = {"duration_ms": length_s * 1000, **fields}
    return [
        fact("task.submitted", start_s - 1, task=task, **submitted),
        fact("task.started", start_s, task=task, **fields),
        fact(f"task.{outcome}", start_s + length_s, task=task, **end),
    ]


def deliver(store: Store, facts: Sequence[Fact], now: int = START + DAY, size: int = 5000) -> ingest.Receipt:
    """Hand facts to a store in batches; give the sum of what became of them."""
    accepted, duplicates = 0, 0
    rejected: list[tuple[int, str]] = []
    for position in range(0, len(facts), size):
        receipt = ingest.accept(store, facts[position : position + size], now)
        accepted += receipt.accepted
        duplicates += receipt.duplicates
        rejected += [(position + index, reason) for index, reason in receipt.rejected]
    return ingest.Receipt(accepted, duplicates, rejected)


def picture(store: Store, windows: Iterable[tuple[int, int]] = ()) -> dict[str, Any]:
    """Show everything that a store says, to compare two stores by."""
    with store.questions() as q:
        mark = q.mark()
    shown: dict[str, Any] = {
        "mark": mark,
        "stats": stats.stats(store, EVERYTHING),
        "runs": stats.runs(store, EVERYTHING, limit=1000)["items"],
        "last": stats.percentiles(store, EVERYTHING, last=5),
    }
    for start, end in windows:
        shown[f"stats {start} {end}"] = stats.stats(store, EVERYTHING, start, end)
        for step in (SECOND, MINUTE, HOUR):
            if (end - start) // step <= 1000:
                shown[f"utilization {start} {end} {step}"] = stats.utilization(store, EVERYTHING, start, end, step)
    return shown


def _position(store: Store) -> Position:
    with store.questions() as q:
        return q.position()


def _changed(store: Store, after: Position) -> set[str]:
    with store.questions() as q:
        found = q.changes(after, 100)
        assert not found.missed
        return {row.task for row in q.runs_of(found.tasks)}


def _missed(store: Store, after: Position) -> str:
    with store.questions() as q:
        return q.changes(after, 1000).missed


class StoreConformance:
    """What every store must do; a subclass says how one is opened in a folder."""

    def open(self, folder: Path) -> Any:
        """Open a store that lives in this folder; called twice for one folder, both see the same."""
        raise NotImplementedError

    def test_a_new_store_is_empty_and_says_so_with_nulls_and_not_with_zeros(self, tmp_path: Path) -> None:
        shown = stats.stats(self.open(tmp_path), EVERYTHING)
        assert shown["submitted"] == 0
        assert shown["success_rate"] is None
        assert shown["duration_ms"]["p50"] is None
        assert shown["jobs"] == []

    def test_what_one_opening_accepted_another_sees(self, tmp_path: Path) -> None:
        deliver(self.open(tmp_path), a_run("t", 0, 2, job="j", worker="w"))
        assert stats.stats(self.open(tmp_path), EVERYTHING)["succeeded"] == 1

    def test_a_repeated_batch_is_all_duplicates_and_changes_nothing(self, tmp_path: Path) -> None:
        store, facts = self.open(tmp_path), a_run("t", 0, 2, job="j")
        assert deliver(store, facts)[:2] == (3, 0)
        before = picture(store)
        assert deliver(store, [*facts, *facts])[:2] == (0, 6)
        assert picture(store) == before

    def test_a_fact_repeated_within_its_first_batch_counts_once(self, tmp_path: Path) -> None:
        store, facts = self.open(tmp_path), a_run("t", 0, 2, job="j")
        assert deliver(store, [*facts, *facts])[:2] == (3, 3)
        assert stats.stats(store, EVERYTHING)["succeeded"] == 1

    def test_the_same_identity_with_other_content_is_refused_and_counted(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        deliver(store, [fact("task.succeeded", id="x", task="t")])
        receipt = deliver(store, [fact("task.failed", id="x", task="t")])
        assert receipt.accepted == 0
        assert "known with other content" in receipt.rejected[0][1]
        assert stats.stats(store, EVERYTHING)["succeeded"] == 1
        with store.questions() as q:
            assert q.counters() == {"conflict": 1}

    def test_the_same_id_at_another_time_is_another_fact(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        assert deliver(store, [fact("task.output", at, id="x", task="t") for at in (0, 1)]).accepted == 2

    def test_a_fact_from_the_future_is_refused_and_its_neighbours_are_kept(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        facts = [
            fact("task.started", 0, task="a"),
            fact("task.started", 601, task="b"),
            fact("task.started", 600, task="c"),
        ]
        receipt = deliver(store, facts, now=START)
        assert receipt.accepted == 2
        assert [index for index, _ in receipt.rejected] == [1]

    def test_an_error_within_a_transaction_leaves_no_trace(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        facts = a_run("t", 0, 2, job="j", worker="w")
        with contextlib.suppress(ZeroDivisionError), store.ledger() as ledger:
            ledger.append(facts, START)
            ledger.move_mark(START // 0)
        assert picture(store)["mark"] == 0
        assert deliver(store, facts).accepted == 3
        assert stats.verify(store)["differences"] == []

    def test_jobs_boots_and_services_are_known_by_their_newest_signs(self, tmp_path: Path) -> None:
        """What schedulers are asked for."""
        store = self.open(tmp_path)
        registered = {"owner": "ops", "timeout_ms": 60_000}
        deliver(
            store,
            [
                fact("job.registered", 0, service="s", job="j", data=registered),
                fact("worker.heartbeat", 5, service="s", worker="w", boot="b", data={"role": "scheduler"}),
                fact("worker.heartbeat", 6, service="r", worker="scheduler", boot="c", data={"role": "other"}),
                *a_run("a", 10, 5, service="s", job="j", queue="p"),
                *a_run("b", 11, 4, "failed", service="s", job="j", queue="q"),
                *a_run("c", 1, 2, service="s", job="k", queue="q"),
                fact("task.started", 90, service="t", task="open", job="j"),
            ],
        )
        in_q = Filter(queues=["q"])
        with store.questions() as q:
            assert {name: job["owner"][2] for name, job in q.registered(EVERYTHING).items()} == {("s", "j"): "ops"}
            assert q.registered(Filter(services=["t"])) == q.registered(Filter(jobs=["k"])) == {}
            newest = {("s", "j"): (START + 15 * SECOND, 5 * SECOND, "succeeded")}
            earlier = {("s", "k"): (START + 3 * SECOND, 2 * SECOND, "succeeded")}
            assert q.last_finished(EVERYTHING) == newest | earlier
            assert q.last_finished(in_q)["s", "j"] == (START + 15 * SECOND, 4 * SECOND, "failed")
            assert q.last_finished(Filter(services=["t"])) == {}
            assert [service for service, _ in q.boots_of_role("scheduler")] == ["s"]
            assert sorted(service for service, _ in q.boots_present(START + 10 * SECOND)) == ["r", "s"]
            assert list(q.boots_present(START + 36 * SECOND)) == []
            assert q.last_signs() == {"s": START + 15 * SECOND, "r": START + 6 * SECOND, "t": START + 90 * SECOND}

    def test_a_gap_is_known_to_its_service_and_outlives_the_facts_around_it(self, tmp_path: Path) -> None:
        """What is missing stays missing."""
        store = self.open(tmp_path)
        data = {"dropped": 3, "class": "task", "since": to_text(START), "until": to_text(START + SECOND)}
        deliver(store, [*a_run("t", 0, 10), fact("spool.gap", 2, service="shop", data=data)])
        retention.retain(store, START + 400 * DAY, Keep(DAY, DAY, DAY, 0))
        with store.questions() as q:
            assert q.gaps(EVERYTHING) == [(3, False, START, START + SECOND)]
            assert q.gaps(Filter(services=["shop"])) == q.gaps(EVERYTHING)
            assert q.gaps(Filter(services=["default"])) == []

    def test_the_log_of_changes_names_the_tasks_that_are_seen_otherwise(self, tmp_path: Path) -> None:
        """What the live stream reads on from."""
        store = self.open(tmp_path)
        before = _position(store)
        deliver(store, [*a_run("a", 0, 2), *a_run("b", 0, 2)])
        middle = _position(store)
        started = fact("task.started", 5, task="c", job="j", run="r", boot="x", worker="w")
        deliver(store, [fact("worker.heartbeat", 5, worker="w", boot="x"), started])
        assert _changed(store, before) == {"a", "b", "c"}
        assert _changed(store, middle) == {"c"}
        assert _changed(store, _position(store)) == set()
        last = _position(store)
        assert deliver(store, [started]).duplicates == 1
        assert _position(store) == last, "what is known already changes nothing"
        ingest.sweep(store, START + HOUR)
        assert _changed(store, last) == {"c"}, "inferred outcomes are changes too"
        last = _position(store)
        ingest.sweep(store, START + 2 * HOUR)
        assert _position(store) == last, "the mark alone shows nothing"
        deliver(store, [fact("worker.heartbeat", 50, worker="w", boot="x")])
        assert _position(store).number == last.number + 1
        assert _changed(store, last) == {"c"}, "it was alive for longer"

    def test_a_position_that_is_none_of_this_history_is_told_from_one_that_is_forgotten(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        for n in range(3):
            deliver(store, a_run(f"t{n}", n, 1))
        position = _position(store)
        with store.questions() as q:
            assert q.changes(Position(position.number + 1, position.token), 9).missed == "unknown"
            assert q.changes(Position(position.number - 1, position.token), 9).missed == "unknown"
            assert q.changes(Position(0, 0), 9).missed == ""
            assert q.changes(Position(0, 0), 2).missed == "many"
        deliver(store, [f for n in range(501) for f in a_run(f"m{n}", n, 1)])
        assert _missed(store, position) == "many"
        position = _position(store)
        retention.retain(store, START + 400 * DAY, Keep(DAY, DAY, DAY, 0))
        assert _missed(store, position) == "many", "what is dropped is gone from every list"

    def test_who_waits_for_a_writer_is_woken_by_one(self, tmp_path: Path) -> None:
        store, other = self.open(tmp_path), self.open(tmp_path)
        watch = store.watch()
        try:
            watch.wait(0.01)
            for n in range(3):
                deliver(other, a_run(f"t{n}", n, 1))
                begun = time.monotonic()
                watch.wait(20)
                assert time.monotonic() - begun < 10
            watch.wake()
            begun = time.monotonic()
            watch.wait(20)
            watch.wait(0.01)
            assert time.monotonic() - begun < 10
        finally:
            watch.close()

    def test_the_mark_never_falls(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        for now in (START + 5, START, START + 3):
            ingest.sweep(store, now)
        assert picture(store)["mark"] == START + 5

    def test_a_page_holds_each_run_once_in_an_order_that_arrival_does_not_change(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        facts = [f for n in range(25) for f in a_run(f"t{n % 5}{n}", n % 4, 1, job="j", service=f"s{n % 2}")]
        deliver(store, facts[::-1])
        whole = [(r["service"], r["task"]) for r in stats.runs(store, EVERYTHING)["items"]]
        paged, cursor = [], None
        while True:
            page = stats.runs(store, EVERYTHING, cursor=cursor, limit=4)
            paged += [(r["service"], r["task"]) for r in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert paged == whole
        assert len(set(whole)) == 25

    def test_filters_take_several_values_and_combine(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        for n, (job, queue, worker) in enumerate([("a", "x", "v"), ("b", "x", "w"), ("c", "y", "w"), ("a", "y", "v")]):
            deliver(
                store, a_run(f"t{n}", n, 1, "failed" if n == 3 else "succeeded", job=job, queue=queue, worker=worker)
            )

        def tasks(**where: Any) -> list[str]:
            return sorted(row["task"] for row in stats.runs(store, Filter(**where))["items"])

        assert tasks(jobs=["a", "b"]) == ["t0", "t1", "t3"]
        assert tasks(jobs=["a"], queues=["y"]) == ["t3"]
        assert tasks(workers=["w"]) == ["t1", "t2"]
        assert tasks(outcomes=["failed"]) == ["t3"]
        assert tasks(states=["COMPLETED"], services=["default"]) == ["t0", "t1", "t2"]
        assert tasks(services=["other"]) == []

    def test_what_retention_drops_stays_counted_and_can_not_come_again(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        facts = [f for n in range(30) for f in a_run(f"t{n}", n * 5, 1 + n, job="j", queue="q", worker="w")]
        deliver(store, facts)
        counts = stats.stats(store, EVERYTHING)
        keep = Keep(14 * DAY, 14 * DAY, 90 * DAY, 10)
        done = retention.retain(store, START + 16 * DAY, keep)
        assert done["dropped"] == 20
        assert stats.verify(store)["differences"] == []
        again = deliver(store, facts, now=START + 16 * DAY)
        assert len(again.rejected) == 60
        assert all("older than retention" in reason for _, reason in again.rejected)
        after = stats.stats(store, EVERYTHING)
        for figure in ("submitted", "succeeded", "running", "pending", "tasks", "success_rate"):
            assert after[figure] == counts[figure]
        assert after["duration_ms"]["avg"] == counts["duration_ms"]["avg"]
        assert stats.percentiles(store, EVERYTHING, last=10)["count"] == 10
        assert stats.verify(store)["differences"] == []

    def test_verify_recomputes_what_was_accepted_in_any_order(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        facts = [
            *a_run("t", 0, 2, job="j", queue="q", worker="w", boot="b", run="r"),
            fact("worker.heartbeat", 0, worker="w", boot="b"),
            fact("task.started", 5, task="u", worker="w", boot="b", run="s", job="k"),
            fact("job.registered", 0, job="k", data={"timeout_ms": 1000}),
        ]
        deliver(store, facts[::-1], size=1)
        ingest.sweep(store, START + MINUTE)
        answer = stats.verify(store)
        assert answer["differences"] == []
        assert answer["attempts"] == 2
        assert stats.stats(store, EVERYTHING)["timed_out"] == 1

    def test_a_token_is_found_by_its_hash_and_its_name_is_taken_for_ever(self, tmp_path: Path) -> None:
        store, other = self.open(tmp_path), self.open(tmp_path)
        made = Token("ci", b"\x00hash", ("read", "ingest"), ("shop", "a,b"), START, START + DAY)
        with store.access(write=True) as access:
            assert not access.has_tokens_beside("admin")
            assert access.add_token(made)
            assert not access.add_token(made._replace(digest=b"other"))
        with other.access() as access:
            assert access.token(b"\x00hash") == made
            assert access.token(b"other") is None
            assert access.has_tokens_beside("admin")
            assert not access.has_tokens_beside("ci")
        with other.access(write=True) as access:
            assert access.revoke("ci", START + 1) == made
            assert access.revoke("ci", START + 2) == made._replace(revoked=START + 1)
            assert access.revoke("none", START) is None
            access.touch({"ci": START + 5, "none": START})
            access.touch({"ci": START + 4})
            assert not access.add_token(made)
        with store.access() as access:
            assert access.tokens() == [made._replace(revoked=START + 1, used=START + 5)]

    def test_somebody_is_signed_in_until_the_time_is_over(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        token = Token("ci", b"hash", ("read",), None, START)
        with store.access(write=True) as access:
            access.add_token(token)
            for digest, expires in ((b"a", 10), (b"b", 11), (b"c", 12)):
                access.sign_in(SignIn(digest, "ci", 1, expires))
        with store.access(write=True) as access:
            access.forget_signed_in(10)
            access.sign_out(b"b")
            access.sign_out(b"none")
        with store.access() as access:
            assert [access.signed_in(digest) for digest in (b"a", b"b")] == [None, None]
            assert access.signed_in(b"c") == (SignIn(b"c", "ci", 1, 12), token)

    def test_actions_are_listed_newest_first_whole_or_without_an_end(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        asked = [Action(0, START + n, "who", "::1", f"POST /{n}") for n in range(5)]
        with store.access(write=True) as access:
            numbers = [access.begin(action) for action in asked]
            assert numbers == sorted(set(numbers))
            access.end(numbers[1], START, 200, {"x": [1, None]}, "text")
        whole = [action._replace(number=number) for action, number in zip(asked, numbers, strict=True)]
        whole[1] = whole[1]._replace(status=200, before={"x": [1, None]}, after="text")
        with store.access() as access:
            assert access.actions(None, 2) + access.actions(numbers[3], 10) == whole[::-1]

    def test_an_error_within_a_transaction_of_access_leaves_no_trace(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        with contextlib.suppress(ZeroDivisionError), store.access(write=True) as access:
            access.begin(Action(0, START // 0, "who", "", ""))
        with contextlib.suppress(ZeroDivisionError), store.access(write=True) as access:
            access.begin(Action(0, START, "who", "", ""))
            access.add_token(Token("ci", b"hash", ("read",), None, START // 0))
        with store.access() as access:
            assert (access.actions(None, 10), access.tokens()) == ([], [])

    def test_a_large_batch_says_what_its_facts_say_one_by_one(self, tmp_path: Path) -> None:
        facts = _of_many_tasks()
        (tmp_path / "other").mkdir()
        at_once, singly = self.open(tmp_path), self.open(tmp_path / "other")
        for store, size in ((at_once, len(facts)), (singly, 7)):
            assert deliver(store, facts[::2], size=size)[:2] == (len(facts[::2]), 0)
            assert deliver(store, facts, size=size).accepted == len(facts[1::2])
            ingest.sweep(store, START + 40 * SECOND)
            assert stats.verify(store)["differences"] == []
        hour = (START - HOUR, START + HOUR)
        assert picture(at_once, [hour]) == picture(singly, [hour])

    def test_a_run_of_any_length_costs_a_bounded_number_of_cells(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        lengths = {f"w{days}": days * DAY for days in (0, 1, 7, 145)} | {"w-second": SECOND, "w-minute": 61 * SECOND}
        lengths |= {"w-hours": 7322 * SECOND, "w-day": DAY - SECOND, "w-more": DAY + HOUR + MINUTE + 500_000}
        for worker, length in lengths.items():
            run = a_run(worker, 30.25, length / SECOND, job=worker, queue="q", worker=worker)
            deliver(store, run, now=START + 200 * DAY)
        with store.audit() as audit:
            by_worker = Counter(key[3] for key, _ in audit.worker_cells(sealed=False))
            by_job = Counter(key[3] for key, _ in audit.cells(sealed=False))
        for worker, length in lengths.items():
            assert by_worker[worker] <= 12 + length // DAY + _END_CELLS
            assert by_job[worker] <= 3 * _END_CELLS
        assert stats.verify(store)["differences"] == []


_END_CELLS = 3
"""The cells in which one instant counts: its minute, its hour and its day."""


def _of_many_tasks() -> list[Fact]:
    """Make the facts of tasks that are mostly alike, and of some that are not."""
    facts: list[Fact] = []
    for n in range(60):
        common = {"job": f"j{n % 3}", "queue": f"q{n % 2}", "worker": f"w{n % 5}"}
        outcome = ("succeeded", "failed", "cancelled", "timed_out", "lost")[n % 5]
        facts += a_run(f"plain{n}", n, n * 7.5, outcome, run=f"r{n}", **common)
        facts += a_run(f"unnamed{n}", n, 0.25, **common)[n % 3 :]
    for n in range(10):
        facts += a_run(f"retried{n}", n, 3, "retrying", run="a", job="j0", worker="w0")
        facts += a_run(f"retried{n}", n + 9, 4, attempt=2, run="b", job="j0", worker="w1")
        facts += a_run(f"twice{n}", n, 5, run="a", job="j1") + a_run(f"twice{n}", n + 2, 5, run="b", job="j1")
        facts += [*a_run(f"moved{n}", n, 5, job="j1"), fact("task.started", n + 1, task=f"moved{n}", job="j2")]
        limited = {"job": "j2", "worker": "w2", "boot": f"b{n % 2}"}
        facts.append(fact("task.started", n, task=f"limited{n}", data={"timeout_ms": 5000 * n}, **limited))
        facts.append(fact("task.started", n, task=f"lost{n}", **limited))
        facts.append(fact("task.submitted", n, task=f"late{n}", job="j1", data={"eta": to_text(START + MINUTE)}))
        facts.append(fact("task.progress", n, task=f"lost{n}", data={"progress": n / 10}))
    facts += [fact("worker.heartbeat", n, worker="w2", boot="b0", data={"ttl_ms": 3000}) for n in range(8)]
    return [*facts, fact("job.registered", 3, job="j2", data={"timeout_ms": 9000})]
