/**
 * The one timer of a page: whatever is periodic is a named task with a frequency in ticks, so that nothing else ticks.
 *
 * A hidden page does nothing. On its return every task runs at once, so that it never shows what was true an hour ago.
 */
export const TICK_MS = 1000;

interface Task {
  run: () => void;
  /** Every so many ticks. */
  frequency: number;
  counter: number;
}

export class TimerManager {
  readonly #tasks = new Map<string, Task>();
  #timer: ReturnType<typeof setInterval> | undefined;

  start(intervalMs = TICK_MS): void {
    this.stop();
    this.#timer = setInterval(() => this.tick(), intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  addTask(name: string, run: () => void, frequency = 1): void {
    this.#tasks.set(name, { run, frequency: Math.max(1, Math.round(frequency)), counter: 0 });
  }

  removeTask(name: string): void {
    this.#tasks.delete(name);
  }

  /** Count one tick; run what is due. One task that fails does not keep the others from running. */
  tick(): void {
    for (const task of this.#tasks.values()) {
      task.counter += 1;
      if (task.counter >= task.frequency) runTask(task);
    }
  }

  runAll(): void {
    for (const task of this.#tasks.values()) runTask(task);
  }

  get running(): boolean {
    return this.#timer !== undefined;
  }
}

function runTask(task: Task): void {
  task.counter = 0;
  try {
    task.run();
  } catch (error) {
    console.error(error);
  }
}

export const timer = new TimerManager();

/** Let the timer run while the page is seen. */
export function runWhileSeen(): void {
  const follow = () => {
    if (document.hidden) timer.stop();
    else if (!timer.running) {
      timer.start();
      timer.runAll();
    }
  };
  document.addEventListener("visibilitychange", follow);
  if (!document.hidden) timer.start();
}
