import { expect, test, vi } from "vitest";
import { TimerManager } from "./timer";

function counted(frequency: number) {
  const timer = new TimerManager();
  const run = vi.fn();
  timer.addTask("one", run, frequency);
  return { timer, run };
}

test("a task runs every so many ticks", () => {
  const { timer, run } = counted(3);
  for (let tick = 0; tick < 10; tick += 1) timer.tick();
  expect(run).toHaveBeenCalledTimes(3);
});

test("a task that fails keeps no other from running", () => {
  const { timer, run } = counted(1);
  vi.spyOn(console, "error").mockImplementation(() => {});
  timer.addTask("broken", () => {
    throw new Error("no");
  });
  timer.addTask("last", run);
  timer.tick();
  expect(run).toHaveBeenCalledTimes(2);
});

test("a name is one task, and a removed one rests", () => {
  const { timer, run } = counted(1);
  timer.addTask("one", run, 1);
  timer.tick();
  timer.removeTask("one");
  timer.tick();
  expect(run).toHaveBeenCalledTimes(1);
});

test("all run at once when the page is seen again", () => {
  const { timer, run } = counted(100);
  timer.runAll();
  expect(run).toHaveBeenCalledTimes(1);
});
