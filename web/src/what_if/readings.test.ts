import { describe, expect, it } from "vitest";
import type { Futures, PlanFuture, ReadingBand } from "../api/contract";
import {
  type Answered,
  differenceAt,
  differenceParts,
  interval,
  readingsOf,
  summary,
  sureness,
  tableOf,
} from "./readings";

const LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95];
const around = (middle: number, half: number) => [-half, -half / 2, 0, half / 2, half].map((one) => middle + one);

const reading = (name: string, digits: number, unit: string, shift: number, half: number): ReadingBand => ({
  name,
  label: name,
  unit,
  digits,
  bands: [0, 1, 1].map((on) => around(60 + on * shift, 5)),
  difference: [0, 1, 1].map((on) => around(on * shift, on * half)),
});
const MAP = "mean_arterial_pressure_mmHg";
const PLATEAU = "plateau_pressure_cmH2O";
const future = (shift: number, half: number): PlanFuture => ({
  change: {},
  words: "",
  refused: [],
  readings: [reading(MAP, 0, "mmHg", shift, half), reading(PLATEAU, 1, "cmH2O", 0, 0)],
  limits: [],
});
const futures = (plans: PlanFuture[], group: "ventilator" | "drug" = "ventilator"): Futures => ({
  now: 0,
  minutes: [0, 30, 60],
  levels: LEVELS,
  controls: [{ name: "x", label: "x", unit: "", scale: 1, low: 0, high: 1, now: 0, group }],
  plans,
  doubts: [],
});
const answered: Answered = { futures: futures([future(0, 0), future(6, 3)]), letters: ["A"] };

describe("a reading of the futures", () => {
  it("has a difference with its interval after half an hour and after an hour", () => {
    const one = differenceAt(answered, 1, MAP, 30)!;
    expect(differenceParts(0, one)).toEqual(["+6", "(+3 to +9)"]);
    expect(differenceAt(answered, 1, MAP, 45)).toBeNull();
  });

  it("is called sure only where the interval lies on one side of nothing", () => {
    expect(sureness(0, { low: 3, median: 6, high: 9 })).toBe("sure");
    expect(sureness(0, { low: -9, median: -6, high: -3 })).toBe("sure");
    expect(sureness(0, { low: -3, median: 1, high: 5 })).toBe("unclear");
    expect(sureness(0, { low: -0.3, median: 0, high: 0.4 })).toBe("same");
    expect(differenceParts(0, { low: -0.3, median: 0, high: 0.4 })).toEqual(["no difference"]);
  });

  it("says in a sentence what the picture shows", () => {
    const said = summary(answered, MAP);
    expect(said).toContain("Mean arterial pressure without change in 60 minutes: 60 mmHg, between 55 and 65");
    expect(said).toContain("Plan A: after 30 minutes 6 mmHg higher, difference between +3 and +9");
    expect(summary(answered, PLATEAU)).toContain("no difference");
  });

  it("does not promise a difference that may be none", () => {
    const said = summary({ ...answered, futures: futures([future(0, 0), future(-2, 4)]) }, MAP);
    expect(said).toContain("perhaps 2 mmHg lower, but not surely: difference between −6 and +2");
  });

  it("is a table too, minute by minute", () => {
    const rows = tableOf(answered, MAP);
    expect(rows.map((row) => row.minute)).toEqual([0, 30, 60]);
    expect(rows[2]!.cells.map((cell) => cell?.median)).toEqual([60, 66]);
  });

  it("of a breath is left out where no ventilator is set", () => {
    expect(readingsOf(futures([future(0, 0)])).map((one) => one.name)).toEqual([MAP, PLATEAU]);
    expect(readingsOf(futures([future(0, 0)], "drug")).map((one) => one.name)).toEqual([MAP]);
  });

  it("is unknown where a number is missing", () => {
    expect(interval(LEVELS, [1, 2, null, 4, 5])).toBeNull();
    expect(interval(LEVELS, undefined)).toBeNull();
  });
});
