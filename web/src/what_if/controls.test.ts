import { describe, expect, it } from "vitest";
import type { Control } from "../api/contract";
import { differing, inWords, parsed, reachOf, shownOf, stepped, valueOf, withValue, written } from "./controls";

const control = (name: string, more: Partial<Control>): Control => ({
  name,
  label: name,
  unit: "",
  scale: 1,
  low: 0,
  high: 1,
  now: 0,
  group: "ventilator",
  ...more,
});
const peep = shownOf(control("peep", { unit: "cmH2O", high: 30, now: 8 }));
const fio2 = shownOf(control("fio2", { low: 0.21, high: 1, now: 0.5 }));
const volume = shownOf(control("tidal_volume", { unit: "mL", scale: 1000, low: 0.1, high: 1.2, now: 0.42 }));
const drug = shownOf(control("norepinephrine", { unit: "ug/kg/min", high: 2, now: 0.1, group: "drug" }));
const fluid = shownOf(control("crystalloid", { unit: "mL", scale: 1000, high: 2, group: "fluid" }));

describe("what can be set", () => {
  it("is shown as people set it, and sent as the server takes it", () => {
    expect([fio2.now, fio2.unit, fio2.low, fio2.high]).toEqual([50, "%", 21, 100]);
    expect([volume.now, volume.unit]).toEqual([420, "mL"]);
    expect(drug.unit).toBe("microgram/kg/min");
    expect(withValue({}, volume, 450)).toEqual({ tidal_volume: 0.45 });
    expect(withValue({}, fio2, 57)).toEqual({ fio2: 0.57 });
  });

  it("is no part of a plan once it is as it is now", () => {
    const plan = withValue(withValue({}, peep, 12), drug, 0.2);
    expect(withValue(plan, peep, 8)).toEqual({ norepinephrine: 0.2 });
    const later = { ...peep, now: 12 };
    expect(differing(plan, [later, drug])).toEqual({ norepinephrine: 0.2 });
  });

  it("has the value of its plan, else what is set now", () => {
    expect(valueOf(peep, {})).toBe(8);
    expect(valueOf(volume, { tidal_volume: 0.45 })).toBe(450);
  });

  it("moves by steps that leave no dust of arithmetic, and stays within its range", () => {
    expect(stepped(drug, 0.1, 1)).toBe(0.11);
    expect(stepped(drug, 0.29, 1, "page")).toBe(0.34);
    expect(stepped(peep, 28, 1, "page")).toBe(30);
    expect(stepped(fio2, 21, -1)).toBe(21);
  });

  it("has a slider for what is usual, which reaches further for whoever is beyond it", () => {
    expect(reachOf(drug, 0.1)).toBe(0.6);
    expect(reachOf(drug, 0.93)).toBe(0.95);
    expect(reachOf({ ...drug, now: 1.98 }, 0.1)).toBe(2);
  });

  it("is not understood from what is no number or out of range", () => {
    expect(parsed(peep, "12,5")).toBe(12.5);
    expect(parsed(drug, ".08")).toBe(0.08);
    for (const text of ["", "twelve", "1e3", "-1", "31", "1.2.3"]) expect(parsed(peep, text)).toBeNull();
  });

  it("is written with the digits of its step, and in full where it lies between", () => {
    expect(written(peep, 8)).toBe("8");
    expect(written(drug, 0.1)).toBe("0.10");
    expect(written(peep, 12.5)).toBe("12.500");
  });

  it("is said with what it was, and a fluid with its time", () => {
    const all = [peep, drug, fluid];
    expect(inWords({ norepinephrine: 0.2, crystalloid: 0.5 }, all)).toBe(
      "Noradrenaline 0.20 microgram/kg/min (now 0.10), 500 mL of crystalloid in 15 min",
    );
    expect(inWords({ peep: 12, norepinephrine: 0.2 }, all)).toMatch(/^PEEP 12 .*, noradrenaline 0.20 /);
    expect(inWords({}, all)).toBe("no change");
  });
});
