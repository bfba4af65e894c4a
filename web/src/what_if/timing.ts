/** How long it takes from letting go until the answer is drawn: kept by the browser, where it can be looked at. */

import { useEffect, useState } from "react";

export const RELEASED = "what-if:released";
export const DRAWN = "what-if";

export function markReleased(): number {
  return performance.mark(RELEASED).startTime;
}

export interface Drawn {
  /** How many answers were drawn, and ms from release to drawn of the last. */
  count: number;
  ms: number;
}

/** Measures until the frame after this answer was given to the charts. */
export function useDrawn(answer: unknown, released: number): Drawn {
  const [drawn, setDrawn] = useState<Drawn>({ count: 0, ms: 0 });
  useEffect(() => {
    if (!answer) return;
    // The charts draw before the next frame; a task after it begins once the frame is on its way to the screen.
    let task: ReturnType<typeof setTimeout> | undefined;
    const frame = requestAnimationFrame(() => {
      task = setTimeout(() => {
        const { duration } = performance.measure(DRAWN, { start: released });
        setDrawn((before) => ({ count: before.count + 1, ms: Math.round(duration) }));
      });
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(task);
    };
  }, [answer, released]);
  return drawn;
}
