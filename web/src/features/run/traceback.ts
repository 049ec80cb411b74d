/** A traceback in parts: frames of the application stay open, those of libraries are folded. */

export interface Part {
  own: boolean;
  /** How many frames it holds. */
  frames: number;
  text: string;
}

const FRAME = /^ {2}File "([^"]*)", line \d+/;
const LIBRARY = /[\\/](site-packages|dist-packages|lib[\\/]python\d)|^<frozen/;

/** Cut a Python traceback into stretches of own and of foreign frames. What is no frame belongs to what is own. */
export function parts(text: string): Part[] {
  const found: Part[] = [];
  let own = true;
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const frame = FRAME.exec(line);
    // Lines of code stand under their frame, deeper in.
    if (frame) own = !LIBRARY.test(frame[1] ?? "");
    else if (!line.startsWith("    ")) own = true;
    const last = found.at(-1);
    if (last?.own === own) {
      last.text += `\n${line}`;
      last.frames += frame ? 1 : 0;
    } else found.push({ own, frames: frame ? 1 : 0, text: line });
  }
  return found;
}
