/** The stretch of time that the charts of a person show. */

import type { Micros } from "../api/contract";
import { DAY, HOUR, MINUTE } from "../base/time";

export const RANGES = ["1h", "6h", "24h", "7d", "30d"] as const;
export type Range = (typeof RANGES)[number];

/** How far back, and how far ahead where forecasts are still wide enough to be seen. */
const LENGTHS: Record<Range, { behind: Micros; ahead: Micros }> = {
  "1h": { behind: HOUR, ahead: HOUR },
  "6h": { behind: 6 * HOUR, ahead: 4 * HOUR },
  "24h": { behind: 24 * HOUR, ahead: 4 * HOUR },
  "7d": { behind: 7 * DAY, ahead: 0 },
  "30d": { behind: 30 * DAY, ahead: 0 },
};

export interface Shown {
  range: Range;
  /** The end of the past that is shown; null follows the clock. */
  until: Micros | null;
}

export interface Window {
  start: Micros;
  stop: Micros;
}

export function windowOf(shown: Shown, now: Micros): Window {
  const { behind, ahead } = LENGTHS[shown.range];
  // To the minute: a window that moved with every second would have everything fetched and drawn again.
  const until = shown.until ?? Math.ceil(now / MINUTE) * MINUTE;
  return { start: until - behind, stop: until + ahead };
}

/** Half a window earlier or later; what would reach beyond now follows the clock again. */
export function moved(shown: Shown, now: Micros, direction: -1 | 1): Shown {
  const until = (shown.until ?? now) + (direction * LENGTHS[shown.range].behind) / 2;
  return { ...shown, until: until >= now ? null : until };
}
