import { describe, expect, it } from "vitest";
import type { Futures, LimitChance } from "../api/contract";
import { chanceWritten, inDanger, rowsOf } from "./limits";

const limit = (name: string, chance: number, hard: boolean): LimitChance => ({ name, label: name, chance, hard });
const plan = (limits: LimitChance[]) => ({ change: {}, words: "", refused: [], readings: [], limits });
const futures: Futures = {
  now: 0,
  minutes: [],
  levels: [],
  controls: [],
  doubts: [],
  plans: [
    plan([limit("driving", 0.3, false), limit("arterial", 0.4, true), limit("ph", 0.01, true)]),
    plan([limit("driving", 0.31, false), limit("arterial", 0.1, true), limit("ph", 0.04, true)]),
  ],
};

describe("limits", () => {
  it("that must not be broken stand first", () => {
    expect(rowsOf(futures).map((row) => row.name)).toEqual(["arterial", "ph", "driving"]);
  });

  it("are marked over one in twenty, and where a plan makes them more probable", () => {
    const [arterial, ph, driving] = rowsOf(futures).map((row) => row.chances[1]!);
    expect([arterial!.over, arterial!.rising]).toEqual([true, false]);
    expect([ph!.over, ph!.rising]).toEqual([false, true]);
    expect([driving!.over, driving!.rising]).toEqual([true, false]);
    expect(inDanger(rowsOf(futures), 1).map((row) => row.name)).toEqual(["arterial", "ph"]);
  });

  it("never have a chance of nothing or of everything: it was counted, not known", () => {
    expect(chanceWritten(0)).toBe("< 1 %");
    expect(chanceWritten(1)).toBe("> 99 %");
    expect(chanceWritten(0.1833)).toBe("18 %");
  });
});
