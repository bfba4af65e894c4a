/** What a chart draws, put onto one axis of time: measured values, what the twin had said, the forecast. */

import type { Forecast, Micros, SaidBefore, Series } from "../api/contract";
import { HOUR } from "../base/time";

/** undefined: this series has nothing to say at this time; null: here its line is broken. */
type Value = number | null | undefined;

export type Role = "measured" | "low" | "high" | "median" | "q05" | "q25" | "q50" | "q75" | "q95";

export interface Column {
  role: Role;
  channel: string;
  values: Value[];
}

export interface Columns {
  at: Micros[];
  columns: Column[];
}

type Points = [Micros, number | null][];

const GOOD_OR_ODD = 1;
/** A line is broken where values stand further apart than so many of their usual distances (assumed). */
const USUAL_DISTANCES = 4;

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The usable values of a series, with a break wherever nothing came for much longer than usual. */
export function line(series: Series): Points {
  const used: Points = [];
  series.at.forEach((at, i) => {
    if (series.quality[i]! <= GOOD_OR_ODD) used.push([at, series.value[i] ?? null]);
  });
  const apart = Math.max(USUAL_DISTANCES * median(used.slice(1).map((point, i) => point[0] - used[i]![0])), HOUR / 4);
  return used.flatMap((point, i): Points => {
    const before = used[i - 1];
    return before && point[0] - before[0] > apart ? [[before[0] + 1, null], point] : [point];
  });
}

/** What is set holds until it is changed: a step that reaches until now. */
export function held(series: Series, now: Micros): Points {
  const points: Points = series.at.map((at, i) => [at, series.value[i] ?? null]);
  const last = points.at(-1);
  if (last && last[0] < now) points.push([now, last[1]]);
  return points;
}

const LEVELS: readonly (readonly [number, Role])[] = [
  [0.05, "q05"],
  [0.25, "q25"],
  [0.5, "q50"],
  [0.75, "q75"],
  [0.95, "q95"],
];

/** us after which a value is too old for a fan to begin at it (assumed). */
const TOO_OLD = 6 * HOUR;

/**
 * A fan that continues the line: each level as a course of its own, from the last value on. The longer ago that was, the
 * longer it widens. Levels that were not said are not drawn.
 */
export function fan(forecast: Forecast, last: [Micros, number] | null): Map<Role, Points> {
  const first = forecast.at[0] ?? 0;
  const start = last && last[0] < first && first - last[0] <= TOO_OLD ? last : null;
  const found = new Map<Role, Points>();
  for (const [level, role] of LEVELS) {
    const column = forecast.levels.findIndex((one) => Math.abs(one - level) < 1e-6);
    if (column < 0) continue;
    const points: Points = forecast.at.map((at, i) => [at, forecast.quantiles[i]?.[column] ?? null]);
    if (start) points.unshift(start);
    found.set(role, points);
  }
  return found;
}

export interface Drawing {
  series: Series[];
  estimates: SaidBefore[];
  forecasts: Forecast[];
  /** Whether values hold until the next: settings and infusions. */
  holds: boolean;
  now: Micros;
}

/** Everything of one chart on one axis of time. Bands come first, so that lines are drawn over them. */
export function columnsOf(drawing: Drawing): Columns {
  const courses: { role: Role; channel: string; points: Points }[] = [];
  for (const estimate of drawing.estimates) {
    for (const role of ["low", "high", "median"] as const) {
      courses.push({ role, channel: estimate.channel, points: estimate.at.map((at, i) => [at, estimate[role][i]!]) });
    }
  }
  for (const forecast of drawing.forecasts) {
    const series = drawing.series.find((one) => one.channel === forecast.channel);
    for (const [role, points] of fan(forecast, lastOf(series))) {
      courses.push({ role, channel: forecast.channel, points });
    }
  }
  for (const series of drawing.series) {
    const points = drawing.holds ? held(series, drawing.now) : line(series);
    courses.push({ role: "measured", channel: series.channel, points });
  }
  const at = [...new Set(courses.flatMap((course) => course.points.map((point) => point[0])))].sort((a, b) => a - b);
  const place = new Map(at.map((time, index) => [time, index]));
  const columns = courses.map(({ role, channel, points }) => {
    const values: Value[] = new Array(at.length).fill(undefined);
    for (const [time, value] of points) values[place.get(time)!] = value;
    return { role, channel, values: brokenUntilTheNext(values) };
  });
  return { at, columns };
}

/** A break lasts until the next value, whatever else stands at the times between. */
function brokenUntilTheNext(values: Value[]): Value[] {
  let broken = false;
  return values.map((value) => {
    if (value !== undefined) broken = value === null;
    return broken ? null : value;
  });
}

/** The last value that can be used, null for none. */
export function lastOf(series: Series | undefined): [Micros, number] | null {
  if (!series) return null;
  for (let i = series.at.length - 1; i >= 0; i--) {
    const value = series.value[i];
    if (value !== null && value !== undefined && series.quality[i]! <= GOOD_OR_ODD) return [series.at[i]!, value];
  }
  return null;
}

/** Index of the time that is nearest, -1 where there is none. The times ascend. */
export function nearest(times: readonly Micros[], at: Micros): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < at) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return times.length ? 0 : -1;
  if (low === times.length) return low - 1;
  return at - times[low - 1]! <= times[low]! - at ? low - 1 : low;
}
