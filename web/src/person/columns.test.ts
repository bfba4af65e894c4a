import { describe, expect, it } from "vitest";
import type { Forecast, SaidBefore, Series } from "../api/contract";
import { HOUR, MINUTE } from "../base/time";
import { columnsOf, fan, held, line, nearest } from "./columns";

const series = (at: number[], value: (number | null)[] = at, quality = at.map(() => 0)): Series => ({
  channel: "heart_rate",
  source: "monitor",
  unit: "/min",
  at,
  value,
  quality,
  seq: at,
  thinned: false,
});

const forecast: Forecast = {
  channel: "heart_rate",
  at: [10 * HOUR, 12 * HOUR],
  levels: [0.05, 0.25, 0.5, 0.75, 0.95],
  quantiles: [
    [70, 78, 82, 86, 94],
    [60, 74, 82, 90, 104],
  ],
};

const estimate: SaidBefore = {
  hours: 1,
  channel: "heart_rate",
  at: [8 * HOUR, 9 * HOUR],
  median: [80, 82],
  low: [76, 78],
  high: [84, 88],
};

describe("the line of what was measured", () => {
  it("is broken where nothing came for long, and nowhere else", () => {
    const minutes = [0, 5, 10, 15, 200, 205].map((m) => m * MINUTE);
    const broken = line(series(minutes)).filter((point) => point[1] === null);
    expect(broken).toEqual([[15 * MINUTE + 1, null]]);
  });

  it("leaves out what was refused and keeps what is odd", () => {
    expect(line(series([0, 1, 2], [80, 300, 81], [0, 2, 1])).map((point) => point[1])).toEqual([80, 81]);
  });

  it("of a setting holds until now", () => {
    expect(held(series([0, HOUR], [5, 8]), 3 * HOUR)).toEqual([
      [0, 5],
      [HOUR, 8],
      [3 * HOUR, 8],
    ]);
  });
});

describe("a fan", () => {
  it("begins at the last value, so that it widens for longer when data are missing", () => {
    const fresh = fan(forecast, [9.9 * HOUR, 81]);
    const missing = fan(forecast, [7 * HOUR, 81]);
    expect(fresh.get("q05")![0]).toEqual([9.9 * HOUR, 81]);
    expect(missing.get("q95")![0]).toEqual([7 * HOUR, 81]);
  });

  it("begins at its first time where no value is known, or the last one is too old", () => {
    expect(fan(forecast, null).get("q50")![0]).toEqual([10 * HOUR, 82]);
    expect(fan(forecast, [HOUR, 81]).get("q50")![0]).toEqual([10 * HOUR, 82]);
  });

  it("draws only levels that were said", () => {
    const few = { ...forecast, levels: [0.05, 0.5, 0.95], quantiles: [[70, 82, 94]], at: [10 * HOUR] };
    expect([...fan(few, null).keys()]).toEqual(["q05", "q50", "q95"]);
  });
});

describe("everything of a chart", () => {
  it("stands on one ascending axis of time, each value at its own time and only there", () => {
    const all = columnsOf({
      series: [series([8.5 * HOUR, 9 * HOUR], [81, 83])],
      estimates: [estimate],
      forecasts: [forecast],
      holds: false,
      now: 9 * HOUR,
    });
    expect(all.at).toEqual([...all.at].sort((a, b) => a - b));
    expect(new Set(all.at).size).toBe(all.at.length);
    const measured = all.columns.find((column) => column.role === "measured")!;
    const given = measured.values.flatMap((value, i) => (value === undefined ? [] : [[all.at[i], value]]));
    expect(given).toEqual([
      [8.5 * HOUR, 81],
      [9 * HOUR, 83],
    ]);
  });
});

it("a break lasts until the next value, also where the twin's estimate has times between", () => {
  const times = [0, 5, 10, 15].map((m) => 8 * HOUR + m * MINUTE);
  const all = columnsOf({
    series: [series([...times, 12 * HOUR])],
    estimates: [{ ...estimate, at: [9 * HOUR, 10 * HOUR], hours: 1, median: [1, 2], low: [0, 1], high: [2, 3] }],
    forecasts: [],
    holds: false,
    now: 12 * HOUR,
  });
  const measured = all.columns.find((column) => column.role === "measured")!.values;
  const between = all.at.flatMap((at, i) => (at > times[3]! && at < 12 * HOUR ? [measured[i]] : []));
  expect(between).toEqual([null, null, null]);
});

it("the nearest time is found at both ends, between, and not where there is none", () => {
  expect([0, 4, 6, 7, 99].map((at) => nearest([2, 6, 8], at))).toEqual([0, 0, 1, 1, 2]);
  expect(nearest([], 5)).toBe(-1);
});
