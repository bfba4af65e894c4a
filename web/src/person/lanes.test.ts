import { expect, it } from "vitest";
import type { PersonEvent } from "../api/contract";
import { placed } from "./lanes";

const event = (seq: number, at: number, stop: number | null = null): PersonEvent => ({
  seq,
  kind: "dose",
  title: "x",
  at,
  stop,
  detail: "",
});

const shown = { start: 0, stop: 1000 };

it("events that would lie over each other stand below each other, and others share a lane", () => {
  const lanes = placed([event(1, 0), event(2, 100), event(3, 500)], shown, 1000).map((one) => one.lane);
  expect(lanes).toEqual([0, 1, 0]);
});

it("a label near the right edge stands before its bar, where it can be read, and never outside of the axis", () => {
  const [early, late] = placed([event(1, 100), event(2, 950)], shown, 1000);
  expect([early!.before, late!.before]).toEqual([false, true]);
  expect(placed([event(1, 50)], shown, 100)[0]!.before).toBe(false);
});

it("an event that began before is drawn from the edge on, and what lies outside is not drawn", () => {
  const [only, ...none] = placed([event(1, -200, 300), event(2, -50), event(3, 1001)], shown, 1000);
  expect([only!.left, only!.width]).toEqual([0, 0.3]);
  expect(none).toEqual([]);
});
