import { beforeAll, expect, it } from "vitest";
import type { Series } from "../api/contract";
import { HOUR, MINUTE, setZone } from "../base/time";
import { summary } from "./summary";

const NOW = Date.UTC(2026, 0, 5, 12) * 1000;

const course = (values: number[], quality: number[] = values.map(() => 0)): Series => ({
  channel: "heart_rate",
  source: "monitor",
  unit: "/min",
  at: values.map((_, i) => NOW - (values.length - 1 - i) * 10 * MINUTE),
  value: values,
  quality,
  seq: values.map((_, i) => i),
  thinned: false,
});

beforeAll(() => setZone("UTC"));

it("says the last value with unit and time, the extent, the direction and what is expected", () => {
  const forecast = {
    channel: "heart_rate",
    at: [NOW + HOUR],
    levels: [0.05, 0.25, 0.5, 0.75, 0.95],
    quantiles: [[90, 100, 110, 118, 131]],
  };
  expect(summary("Heart rate", course([70, 72, 80, 95, 105, 110]), forecast, NOW)).toBe(
    "Heart rate: 110 /min at 12:00; between 70 and 110 in this time; rising; " +
      "the twin expects 110 /min in 60 minutes, between 90 and 131 with 90 % probability.",
  );
});

it("calls noise steady", () => {
  expect(summary("Heart rate", course([80, 82, 79, 81, 80, 82]), undefined, NOW)).toMatch(/steady/);
});

it("does not count what was refused", () => {
  expect(summary("Heart rate", course([80, 82, 250], [0, 0, 2]), undefined, NOW)).toMatch(/82 \/min at 11:50/);
  expect(summary("Heart rate", course([250], [2]), undefined, NOW)).toBe("Heart rate: no value in this time.");
});
