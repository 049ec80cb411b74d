"""What is measured: each subject keeps the start of tasks in its own way, in a folder of its own.

A subject imports what it measures when it is made, and this module imports next to nothing: so what a process grows by
is the subject's own. Where a peer leaves a choice, it gets the cheaper one (a fast encoder, one write for a batch).
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as typing has it, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, ClassVar

JOB, QUEUE, WORKER = "make_invoice", "billing", "w-1"
LABELS = {"job": JOB, "queue": QUEUE, "worker": WORKER}
LINE_BYTES = 200


class Subject:
    """One way to keep facts. Made in the process that is measured, read from the one that measures.

    Parameters
    ----------
    folder
        Where it keeps them.
    """

    grows: ClassVar[bool] = True
    """Whether a call adds to a file; then `take` counts what was kept."""

    def __init__(self, folder: str) -> None:
        raise NotImplementedError

    def call(self, task: str) -> None:
        """Keep the start of a task (for a run or a span, its end too); this is what is timed."""
        raise NotImplementedError

    def settle(self) -> None:
        """Wait until a thread of its own has done what `call` left to it."""

    @staticmethod
    def take(folder: str) -> Iterable[int]:
        """Give the numbers of the tasks that are in the folder, and remove what grows."""
        raise NotImplementedError


class Nothing(Subject):
    """What the loop around a call costs."""

    grows = False

    def __init__(self, folder: str) -> None:
        pass

    def call(self, task: str) -> None:
        pass


class OsWrite(Subject):
    """The limit: one bare write to a file opened with O_APPEND."""

    def __init__(self, folder: str) -> None:
        self._fd = _append_to(folder)
        self._line = b"x" * LINE_BYTES

    def call(self, task: str) -> None:
        os.write(self._fd, self._line)

    @staticmethod
    def take(folder: str) -> Iterable[int]:
        size_bytes = os.stat(_file(folder)).st_size
        os.truncate(_file(folder), 0)
        return range(1, size_bytes // LINE_BYTES + 1)


class Started(Subject):
    """A `task.started` fact, recorded as a run does it."""

    def __init__(self, folder: str) -> None:
        self._scope = _scope(folder)
        recorder = self._scope._recorder
        self._record, self._sender = recorder.record, recorder.sender
        self._run = self._scope.run(JOB).id
        self._data = {"timeout_ms": 600_000.0}

    def call(self, task: str) -> None:
        self._record(
            "task.started",
            self._data,
            sender=self._sender,
            task=task,
            attempt=1,
            run=self._run,
            job=JOB,
            queue=QUEUE,
        )

    @staticmethod
    def take(folder: str) -> Iterable[int]:
        return [int(task) for task in _recorded(folder, "task.started")]


class Run(Subject):
    """A whole run around an empty function: two facts."""

    def __init__(self, folder: str) -> None:
        self._run = _scope(folder).run

    def call(self, task: str) -> None:
        with self._run(JOB, task_id=task, queue=QUEUE, timeout=600):
            _nothing()

    @staticmethod
    def take(folder: str) -> Iterable[int]:
        return [int(task) for task in _recorded(folder, "task.succeeded")]


class Task(Subject):
    """A call of a decorated empty function: two facts of a new task."""

    def __init__(self, folder: str) -> None:
        self._task = _scope(folder).task(job=JOB, queue=QUEUE, timeout=600)(_nothing)

    def call(self, task: str) -> None:
        self._task()

    @staticmethod
    def take(folder: str) -> Iterable[int]:
        return range(1, sum(1 for _ in _recorded(folder, "task.succeeded")) + 1)


class Prometheus(Subject):
    """A counter and a histogram with labels; they live in the process, and whoever does not scrape in time has none."""

    grows = False
    bound: ClassVar[bool] = False
    """Whether the labels are looked up once, and not at each call."""

    def __init__(self, folder: str) -> None:
        from prometheus_client import Counter, Histogram

        counter = Counter("tasks_started", "Tasks that were started", list(LABELS))
        histogram = Histogram("task_wait_seconds", "How long they had waited", list(LABELS))
        self._counter, self._histogram = counter, histogram
        self._inc, self._observe = counter.labels(**LABELS).inc, histogram.labels(**LABELS).observe
        if self.bound:
            self.call = self._bound  # type: ignore[method-assign]

    def call(self, task: str) -> None:
        self._counter.labels(JOB, QUEUE, WORKER).inc()
        self._histogram.labels(JOB, QUEUE, WORKER).observe(0.25)

    def _bound(self, task: str) -> None:
        self._inc()
        self._observe(0.25)


class PrometheusMultiprocess(Prometheus):
    """The same in files that all processes of an application share, as Gunicorn's workers need it."""

    def __init__(self, folder: str) -> None:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # before the import, which looks at it
        super().__init__(folder)

    @staticmethod
    def take(folder: str) -> Iterable[int]:
        from prometheus_client.multiprocess import MultiProcessCollector

        metrics = MultiProcessCollector(None, folder).collect()  # type: ignore[no-untyped-call]  # the peer's
        counts = [
            sample.value for metric in metrics for sample in metric.samples if sample.name.endswith("_started_total")
        ]
        return range(1, int(sum(counts)) + 1)


class PrometheusBound(Prometheus):
    bound = True


class PrometheusMultiprocessBound(PrometheusMultiprocess):
    bound = True


class OpenTelemetry(Subject):
    """Start and end of a span, kept by the batch processor with its own settings, exported to a file."""

    def __init__(self, folder: str) -> None:
        import msgspec
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

        encode = msgspec.json.Encoder().encode

        class FileExporter(SpanExporter):  # type: ignore[misc] # seen as Any, see pyproject.toml
            fd = _append_to(folder)

            def export(self, spans: Any) -> SpanExportResult:
                lines = [
                    encode(
                        {
                            "name": span.name,
                            "trace": format(span.context.trace_id, "032x"),
                            "span": format(span.context.span_id, "016x"),
                            "start": span.start_time,
                            "end": span.end_time,
                            "attributes": dict(span.attributes),
                        }
                    )
                    for span in spans
                ]
                os.write(self.fd, b"\n".join(lines) + b"\n")
                return SpanExportResult.SUCCESS

        self._processor = BatchSpanProcessor(FileExporter())
        provider = TracerProvider()
        provider.add_span_processor(self._processor)
        self._start = provider.get_tracer("shop").start_span

    def call(self, task: str) -> None:
        self._start(
            JOB,
            attributes={"service": "shop", "task": task, "attempt": 1, "queue": QUEUE, "worker": WORKER, "limit": 600},
        ).end()

    def settle(self) -> None:
        self._processor.force_flush()

    @staticmethod
    def take(folder: str) -> Iterable[int]:
        return [int(line["attributes"]["task"]) for line in _lines(folder)]


class QueueAndThread(Subject):
    """What applications build themselves: a queue, and a thread that writes a line for each of its entries."""

    def __init__(self, folder: str) -> None:
        import queue
        import threading

        import msgspec

        fd, encode = _append_to(folder), msgspec.json.Encoder().encode
        waiting: queue.Queue[dict[str, object]] = queue.Queue()

        def write() -> None:
            while True:
                os.write(fd, encode(waiting.get()) + b"\n")
                waiting.task_done()

        threading.Thread(target=write, daemon=True).start()
        self._put, self.settle = waiting.put, waiting.join  # type: ignore[method-assign]

    def call(self, task: str) -> None:
        self._put({"task": task, "attempt": 1, **LABELS})

    @staticmethod
    def take(folder: str) -> Iterable[int]:
        return [int(line["task"]) for line in _lines(folder)]


SUBJECTS: dict[str, type[Subject]] = {
    "empty_call": Nothing,
    "os_write_200": OsWrite,
    "taskscope_started": Started,
    "taskscope_run": Run,
    "taskscope_task": Task,
    "prometheus": Prometheus,
    "prometheus_bound": PrometheusBound,
    "prometheus_multiprocess": PrometheusMultiprocess,
    "prometheus_multiprocess_bound": PrometheusMultiprocessBound,
    "opentelemetry_span": OpenTelemetry,
    "queue_and_thread": QueueAndThread,
}


def _nothing() -> None:
    pass


def _scope(folder: str) -> Any:
    import taskscope

    return taskscope.connect(service="shop", home=folder, worker=WORKER)


def _file(folder: str) -> str:
    return os.path.join(folder, "kept")


def _append_to(folder: str) -> int:
    return os.open(_file(folder), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _recorded(folder: str, event: str) -> Iterator[str]:
    """Drain a spool, and give the tasks of one type of event."""
    from pathlib import Path

    import msgspec

    from taskscope.sdk.segments import drain

    records: list[bytes] = []
    drain(Path(folder), records.extend, wait=True)
    for record in records:
        fact = msgspec.json.decode(record)
        if fact["type"] == event:
            yield fact["task"]


def _lines(folder: str) -> list[dict[str, Any]]:
    """Read the whole lines of a file, and empty it; a process that was killed may have left half a line."""
    import msgspec

    with open(_file(folder), "rb") as file:
        whole = file.read().rpartition(b"\n")[0]
    os.truncate(_file(folder), 0)
    return [msgspec.json.decode(line) for line in whole.split(b"\n") if line]
