/** How busy a worker was, bucket by bucket: one canvas a row, so that five hundred of them scroll. */
import { useEffect } from "react";
import { usePreferences } from "../../preferences";
import styles from "./charts.module.css";
import { shareLevel } from "./scale";
import { useWidth } from "./useWidth";

export type StripCell = number | "absent";
const LEVELS = 7;
const HEIGHT = 17;
const NOTCH = 3;

/** Shares of 0 to 1 (more is marked by a notch), or `absent`. */
export function Strip({ cells, label }: { cells: readonly StripCell[]; label: string }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const { theme } = usePreferences();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours
  useEffect(() => {
    const canvas = ref.current?.querySelector("canvas");
    if (canvas && width > 0) draw(canvas, cells, width);
  }, [ref, cells, width, theme]);
  return (
    <div ref={ref}>
      <canvas className={styles.strip} role="img" aria-label={label} />
    </div>
  );
}

function draw(canvas: HTMLCanvasElement, cells: readonly StripCell[], width: number): void {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(HEIGHT * scale);
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(scale, scale);
  const colours = palette(canvas);
  const step = width / Math.max(1, cells.length);
  cells.forEach((cell, index) => {
    // Whole pixels: two neighbours meet without a seam.
    const left = Math.round(index * step);
    const right = Math.round((index + 1) * step);
    if (cell === "absent") hatch(context, left, right, colours.hatch);
    else if (cell > 0) {
      context.fillStyle = colours.load[shareLevel(cell, LEVELS) - 1] ?? "";
      context.fillRect(left, 0, right - left, HEIGHT);
      if (cell > 1.001) {
        context.fillStyle = colours.notch;
        context.fillRect(left, 0, right - left, NOTCH);
      }
    }
  });
}

function hatch(context: CanvasRenderingContext2D, left: number, right: number, colour: string): void {
  context.save();
  context.beginPath();
  context.rect(left, 0, right - left, HEIGHT);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  // Anchored to the canvas and not to the cell, so that the lines of neighbours go on.
  for (let x = Math.floor(left / 6) * 6 - HEIGHT; x < right; x += 6) {
    context.moveTo(x, HEIGHT);
    context.lineTo(x + HEIGHT, 0);
  }
  context.stroke();
  context.restore();
}

/** A canvas knows no custom properties, so an element resolves them for it. */
function palette(canvas: HTMLCanvasElement): { load: string[]; hatch: string; notch: string } {
  const before = canvas.style.color;
  const colour = (name: string) => {
    canvas.style.color = `var(${name})`;
    return getComputedStyle(canvas).color;
  };
  const found = {
    load: Array.from({ length: LEVELS }, (_, index) => colour(`--load-${index + 1}`)),
    hatch: colour("--line"),
    notch: colour("--warn-fill"),
  };
  canvas.style.color = before;
  return found;
}
