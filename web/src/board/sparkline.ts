/** The geometry of a small chart: four hours behind, one ahead. */

import type { Vital } from "../api/contract";
import { leastSpan } from "../base/units";
import { HOUR } from "../base/time";

export const BEHIND = 4 * HOUR;
export const AHEAD = HOUR;

export interface Drawn {
  line: string;
  /** Where the line stops being joined: values further apart than this are not one course. */
  last: { x: number; y: number };
  /** The interval of the forecast, from the last value to the whole of its width; null for none. */
  fan: string | null;
  median: string | null;
  now: number;
}

/** us between two values above which no line joins them (assumed: a quarter of what is shown). */
const APART = HOUR;

export function drawn(vital: Vital, now: number, width: number, height: number): Drawn {
  const shown = vital.trend.filter(([at]) => at >= now - BEHIND && at <= now);
  const points: [number, number][] = shown.length ? shown : [[vital.at, vital.value]];
  const values = [...points.map((point) => point[1]), vital.value];
  if (vital.ahead) values.push(vital.ahead.low, vital.ahead.high);
  const [bottom, top] = padded(Math.min(...values), Math.max(...values), leastSpan(vital.channel));
  const x = (at: number) => fixed(((at - (now - BEHIND)) / (BEHIND + AHEAD)) * width);
  const y = (value: number) => fixed(height - 1 - ((value - bottom) / (top - bottom)) * (height - 2));
  const last = { x: x(Math.max(vital.at, now - BEHIND)), y: y(vital.value) };
  let line = "";
  let before: number | null = null;
  for (const [at, value] of points) {
    line += `${before === null || at - before > APART ? "M" : "L"}${x(at)} ${y(value)}`;
    before = at;
  }
  const ahead = vital.ahead && vital.ahead.at > now ? vital.ahead : null;
  const end = ahead ? x(Math.min(ahead.at, now + AHEAD)) : 0;
  return {
    line,
    last,
    fan: ahead ? `M${last.x} ${last.y}L${end} ${y(ahead.high)}L${end} ${y(ahead.low)}Z` : null,
    median: ahead ? `M${last.x} ${last.y}L${end} ${y(ahead.median)}` : null,
    now: x(now),
  };
}

const fixed = (value: number) => Math.round(value * 10) / 10;

/** A range that is at least so wide, with the values in its middle. */
export function padded(low: number, high: number, least: number): [number, number] {
  const missing = Math.max(least - (high - low), (high - low) * 0.16, 1e-9);
  return [low - missing / 2, high + missing / 2];
}
