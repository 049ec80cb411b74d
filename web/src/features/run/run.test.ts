import { expect, test } from "vitest";
import type { TaskRun } from "../../api/answers";
import { spans } from "./spans";
import { parts } from "./traceback";

const at = (second: number) => new Date(Date.UTC(2026, 0, 8, 8, 0, second)).toISOString();
const time = (second: number) => Date.parse(at(second));
const run = (given: Partial<TaskRun>) =>
  ({
    attempt: 1,
    run: "r",
    waiting: false,
    submitted_at: null,
    due_at: null,
    started_at: null,
    finished_at: null,
    duration_ms: null,
    alive_at: at(0),
    ...given,
  }) as TaskRun;

test("a task waits, runs, backs off, waits and runs again", () => {
  const found = spans(
    [
      run({ due_at: at(0), started_at: at(2), finished_at: at(10) }),
      run({ attempt: 2, due_at: at(40), started_at: at(41), finished_at: at(50) }),
    ],
    time(60),
  );
  expect(
    found.map(({ kind, attempt, from, to }) => [kind, attempt, (from - time(0)) / 1000, (to - time(0)) / 1000]),
  ).toEqual([
    ["waiting", 1, 0, 2],
    ["run", 1, 2, 10],
    ["backoff", 2, 10, 40],
    ["waiting", 2, 40, 41],
    ["run", 2, 41, 50],
  ]);
});

test("what still waits, waits until now; what still runs is known to its newest fact", () => {
  expect(spans([run({ waiting: true, due_at: at(0) })], time(9))).toMatchObject([{ kind: "waiting", to: time(9) }]);
  expect(spans([run({ started_at: at(1), alive_at: at(5) })], time(60))).toMatchObject([
    { kind: "open", from: time(1), to: time(5) },
  ]);
});

test("a second run of an attempt is a second delivery", () => {
  const found = spans(
    [run({ started_at: at(0), finished_at: at(1) }), run({ run: "s", started_at: at(2), finished_at: at(3) })],
    time(9),
  );
  expect(found.map((span) => span.again)).toEqual([false, true]);
});

test("an end with a length alone tells when it began", () => {
  expect(spans([run({ finished_at: at(10), duration_ms: 4000 })], time(60))).toMatchObject([
    { from: time(6), to: time(10) },
  ]);
});

const TRACE = `Traceback (most recent call last):
  File "/srv/.venv/lib/python3.12/site-packages/celery/app/trace.py", line 453, in trace_task
    R = retval = fun(*args, **kwargs)
          ~~~^^^
  File "/srv/app/model.py", line 88, in denoise
    noise = self.unet(latents)
  File "/usr/lib/python3.12/json/decoder.py", line 1, in decode
    raise
ValueError: no`;

test("library frames fold, own ones and the error stay", () => {
  expect(parts(TRACE).map(({ own, frames }) => [own, frames])).toEqual([
    [true, 0],
    [false, 1],
    [true, 1],
    [false, 1],
    [true, 0],
  ]);
  expect(
    parts(TRACE)
      .map((part) => part.text)
      .join("\n"),
  ).toBe(TRACE);
});

test("what is no traceback stays as it is", () => {
  expect(parts("Error: at x.js:1\n    at y")).toEqual([{ own: true, frames: 0, text: "Error: at x.js:1\n    at y" }]);
});
