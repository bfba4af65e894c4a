/**
 * Whether somebody is at this screen. What a page asks by itself, while nobody touches it, says so to the server, so that a
 * screen that was left alone does not keep its session alive.
 */

/** The header of a question that nobody asked. */
export const UNATTENDED = "Caretwin-Unattended";

/** ms after a touch or a key for which somebody is taken to be there (assumed: as long as one looks at a chart). */
const PRESENT_MS = 60_000;

let touched = Number.NEGATIVE_INFINITY;
let asked = Number.NEGATIVE_INFINITY;

export function startAttendance(): void {
  touched = performance.now();
  const note = () => {
    touched = performance.now();
  };
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"])
    addEventListener(kind, note, { passive: true });
}

export const isAttended = (now = performance.now()) => now - touched < PRESENT_MS;

/** Headers for a question of now; one that somebody asked lengthens the session. */
export function attendance(): Record<string, string> {
  if (!isAttended()) return { [UNATTENDED]: "1" };
  asked = performance.now();
  return {};
}

/** ms since the session was last lengthened by a question that somebody asked. */
export const sinceAsked = () => performance.now() - asked;
