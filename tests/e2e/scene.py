"""A day of work as a real place has it: bursts of failures, a worker that went away, idle nights, names that mean harm.

The same now gives the same facts, so that what pages show can be counted from them.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE = (
    "<img src=x onerror=window.harmed=1>",
    "\u202egnp.exe\u202c مرحبا",
    "🦑" * 5,
    "x" * 200,
    "a/b?c=d&e#f%2F..",
)
"""Names that a page must show as text, and nothing else."""

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
_TTL_MS = 5 * MINUTE_MS
_OOM = """Traceback (most recent call last):
  File "/srv/app/.venv/lib/python3.12/site-packages/celery/app/trace.py", line 453, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/srv/app/video/pipeline.py", line 212, in generate
    latents = self.model.denoise(latents, steps=steps)
  File "/srv/app/video/model.py", line 88, in denoise
    noise = self.unet(latents, t, encoder_hidden_states=cond)
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 3.20 GiB. GPU 0 has 79.10 GiB of which 1.02 GiB is free.
"""
_GATEWAY = """Traceback (most recent call last):
  File "/srv/app/notify/send.py", line 41, in send_alert_notifications
    answer = gateway.post("/v2/messages", json=body, timeout=10)
  File "/srv/app/.venv/lib/python3.12/site-packages/httpx/_client.py", line 1144, in post
    return self.request("POST", url, content=content)
httpx.ConnectTimeout: the gateway did not answer within 10 s
"""
_KEY = """Traceback (most recent call last):
  File "/srv/app/billing/invoice.py", line 17, in make_invoice
    vat = rates[order["country"]]
          ~~~~~^^^^^^^^^^^^^^^^^^
KeyError: 'XK'
"""


class Job(NamedTuple):
    """What is run, where, how often a day, and how it goes."""

    id: str
    name: str
    owner: str
    category: str
    queue: str
    daily: int
    seconds: float
    failing: float
    workers: tuple[str, ...]
    schedule: str | None = None
    error: dict[str, str] | None = None


_GPUS = tuple(f"gpu-a-{n}" for n in range(1, 7))
_CPUS = ("cpu-b-1", "cpu-b-2", "cpu-b-3")
_OUT_OF_MEMORY = {
    "type": "torch.OutOfMemoryError",
    "message": "CUDA out of memory. Tried to allocate 3.20 GiB",
    "traceback": _OOM,
    "fingerprint": "5f1d3a9be02c4471",
}
JOBS = (
    Job("i2v", "Image to video", "Video Platform", "Media", "wan-2-2-i2v", 500, 95, 0.03, _GPUS, None, _OUT_OF_MEMORY),
    Job("transcribe", "Transcribe", "Speech", "Media", "audio", 420, 40, 0.01, _GPUS[:3], None, _OUT_OF_MEMORY),
    Job(
        "make_invoice",
        "Make invoice",
        "Billing",
        "Billing",
        "billing",
        700,
        1.4,
        0.02,
        _CPUS,
        None,
        {"type": "KeyError", "message": "'XK'", "traceback": _KEY, "fingerprint": "91be77a2c6d0e1f4"},
    ),
    Job(
        "send_alert_notifications",
        "发送告警通知",
        "Backend Platform",
        "Notification",
        "notify",
        280,
        0.4,
        0.06,
        _CPUS,
        "*/5 * * * *",
        {
            "type": "httpx.ConnectTimeout",
            "message": "the gateway did not answer within 10 s",
            "traceback": _GATEWAY,
            "fingerprint": "0c44d1e97a35b826",
        },
    ),
    Job(
        "calculate_project_health",
        "计算项目健康度",
        "Backend Platform",
        "Project Health",
        "reports",
        96,
        12,
        0,
        _CPUS,
        "*/15 * * * *",
    ),
    Job("nightly_report", "Nightly report", "Reports", "Project Health", "reports", 2, 1900, 0, _CPUS, "0 2 * * *"),
)


def facts(now_ms: int, *, hours: int = 24) -> Iterator[dict[str, Any]]:
    """Give a day of facts that ends now, as events of the API.

    Parameters
    ----------
    now_ms
        Epoch milliseconds, UTC.
    hours
        How far back they reach.
    """
    chance = random.Random(2)
    start_ms = now_ms - hours * HOUR_MS
    yield from _registered(start_ms, now_ms)
    yield from _presence(start_ms, now_ms)
    for job in JOBS:
        count = max(1, job.daily * hours // 24)
        for number in range(count):
            due_ms = start_ms + (number + chance.random()) * hours * HOUR_MS / count
            yield from _task(job, f"{job.id}-{number}", due_ms, now_ms, chance)
    yield from _stragglers(now_ms)
    yield from _hostile(now_ms)


def _registered(start_ms: float, now_ms: float) -> Iterator[dict[str, Any]]:
    for job in JOBS:
        data: dict[str, Any] = {"job_name": job.name, "owner": job.owner, "category": job.category, "enabled": True}
        if job.schedule:
            data |= {"schedule": job.schedule, "next_run": int(now_ms + 12 * MINUTE_MS)}
        if job.id == "i2v":
            data["timeout_ms"] = 600_000
        yield {"type": "job.registered", "time": start_ms, "job": job.id, "data": data}


def _presence(start_ms: float, now_ms: float) -> Iterator[dict[str, Any]]:
    """Say that workers are there; one goes away without a word, one comes late."""
    for number, worker in enumerate((*_GPUS, *_CPUS, "beat")):
        data: dict[str, Any] = {"ttl_ms": _TTL_MS, "concurrency": 1 if worker in _GPUS else 4, "host": f"host-{number}"}
        data["queues"] = sorted({job.queue for job in JOBS if worker in job.workers})
        if worker == "beat":
            data |= {"role": "scheduler", "queues": []}
        first_ms = start_ms + (8 * HOUR_MS if worker == "gpu-a-6" else 0)
        last_ms = now_ms - (3 * HOUR_MS if worker == "gpu-a-4" else 0)
        beats = [first_ms + n * (_TTL_MS - 10_000) for n in range(int((last_ms - first_ms) / (_TTL_MS - 10_000)) + 1)]
        for when_ms in beats:
            yield _of_worker("worker.heartbeat", worker, when_ms, data)


def _of_worker(kind: str, worker: str, when_ms: float, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "time": int(when_ms), "worker": worker, "boot": f"boot-{worker}", "data": data}


def _task(job: Job, task: str, due_ms: float, now_ms: float, chance: random.Random) -> Iterator[dict[str, Any]]:
    ago_h = (now_ms - due_ms) / HOUR_MS
    here = [w for w in job.workers if not (w == "gpu-a-4" and ago_h < 3.2) and not (w == "gpu-a-6" and ago_h > 15.8)]
    failing = 0.45 if job.id == "i2v" and 6 < ago_h < 8 else job.failing
    base = {"task": task, "job": job.id, "queue": job.queue, "service": "default"}
    yield {**base, "type": "task.submitted", "time": int(due_ms), "data": {"args": {"order": task}}}
    start_ms = due_ms + chance.expovariate(1 / 4_000)
    for attempt in (1, 2):
        took_ms = max(20.0, chance.lognormvariate(math.log(job.seconds * 1000), 0.5))
        end_ms = start_ms + took_ms
        worker = chance.choice(here)
        run = {**base, "attempt": attempt, "run": f"{task}.{attempt}", "worker": worker, "boot": f"boot-{worker}"}
        if start_ms > now_ms:
            return
        yield {**run, "type": "task.started", "time": int(start_ms)}
        if end_ms > now_ms:
            yield {**run, "type": "task.progress", "time": int(now_ms - 1000), "data": {"progress": 0.4}}
            return
        dice = chance.random()
        if dice < failing and job.error:
            again = attempt == 1 and chance.random() < 0.5
            data: dict[str, Any] = {"error": job.error}
            if again:
                data["eta"] = int(end_ms + 30_000)
            kind = "task.retrying" if again else "task.failed"
            yield {**run, "type": kind, "time": int(end_ms), "duration_ms": round(took_ms, 3), "data": data}
            if not again:
                return
            start_ms = end_ms + 30_000 + chance.expovariate(1 / 2_000)
            continue
        kind = "task.succeeded"
        if dice > 0.994:
            kind = "task.cancelled"
        elif dice > 0.988:
            kind = "task.timed_out"
        yield {**run, "type": kind, "time": int(end_ms), "duration_ms": round(took_ms, 3), "data": {"outputs": 1}}
        return


def _stragglers(now_ms: float) -> Iterator[dict[str, Any]]:
    """Leave a run on the worker that went away, and let some tasks wait."""
    lost = {"task": "i2v-on-a-dead-worker", "job": "i2v", "queue": "wan-2-2-i2v", "run": "i2v-dead.1"}
    since_ms = int(now_ms - 3 * HOUR_MS - 2 * MINUTE_MS)
    yield {**lost, "type": "task.submitted", "time": since_ms - 3000}
    yield {**lost, "type": "task.started", "time": since_ms, "worker": "gpu-a-4", "boot": "boot-gpu-a-4"}
    for number in range(7):
        when_ms = int(now_ms - (number + 1) * 40_000)
        yield {
            "type": "task.submitted",
            "time": when_ms,
            "task": f"waiting-{number}",
            "job": "transcribe",
            "queue": "audio",
        }


def _hostile(now_ms: float) -> Iterator[dict[str, Any]]:
    """Name jobs, queues, workers, tasks and errors in a way that harms pages that do not take care."""
    for number, name in enumerate(HOSTILE):
        when_ms = int(now_ms - (number + 2) * MINUTE_MS)
        run = {
            "task": name,
            "job": name,
            "queue": name,
            "worker": name,
            "run": f"hostile-{number}",
            "service": "strange",
        }
        yield {**run, "type": "task.started", "time": when_ms}
        error = {"type": name, "message": f"{name} </script><script>window.harmed=1</script>", "traceback": name}
        yield {**run, "type": "task.failed", "time": when_ms + 900, "duration_ms": 900, "data": {"error": error}}
