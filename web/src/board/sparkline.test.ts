import { describe, expect, it } from "vitest";
import type { Vital } from "../api/contract";
import { HOUR, MINUTE } from "../base/time";
import { drawn, padded } from "./sparkline";

const NOW = 1000 * HOUR;

const vital = (change: Partial<Vital> = {}): Vital => ({
  channel: "heart_rate",
  unit: "/min",
  value: 90,
  at: NOW - MINUTE,
  stale: false,
  trend: [
    [NOW - 3 * HOUR, 80],
    [NOW - 2.9 * HOUR, 85],
    [NOW - MINUTE, 90],
  ],
  ahead: { at: NOW + HOUR, low: 80, median: 92, high: 104 },
  ...change,
});

describe("a small chart", () => {
  it("does not join values across hours in which nothing came", () => {
    expect(drawn(vital(), NOW, 100, 20).line.match(/M/g)).toHaveLength(2);
  });

  it("does not make a drama of noise: a beat more or less stays a flat line", () => {
    const [low, high] = padded(80, 81, 40);
    expect(high - low).toBe(40);
  });

  it("has its forecast to the right of now, and none where there is none", () => {
    const chart = drawn(vital(), NOW, 100, 20);
    expect(chart.now).toBe(80);
    expect(chart.fan).toMatch(/L100 /);
    expect(drawn(vital({ ahead: null }), NOW, 100, 20).fan).toBeNull();
    expect(drawn(vital({ ahead: { at: NOW - HOUR, low: 1, median: 2, high: 3 } }), NOW, 100, 20).fan).toBeNull();
  });

  it("is drawn from the last value alone where no course is known", () => {
    const chart = drawn(vital({ trend: [] }), NOW, 100, 20);
    expect(Number.isFinite(chart.last.x) && Number.isFinite(chart.last.y)).toBe(true);
  });
});
