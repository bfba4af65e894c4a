import { describe, expect, it } from "vitest";
import type { News2 } from "../api/contract";
import { absentParts, band, direction, possibly, surely, written } from "./news2";

const score = (low: number, high: number, parts: News2["parts"] = [], changed: News2["changed"] = null): News2 => ({
  low,
  high,
  complete: low === high,
  single_three: parts.some((part) => part.low === 3),
  parts,
  changed,
});

describe("what an early-warning score asks for", () => {
  it("changes at 1, 5 and 7, as on the chart of the Royal College", () => {
    expect([0, 1, 4, 5, 6, 7, 20].map(band)).toEqual([0, 1, 1, 2, 2, 3, 3]);
  });

  it("is an urgent look when one part alone is 3, whatever the sum", () => {
    const one = { channel: "respiratory_rate", score: 3, low: 3, high: 3 };
    expect(surely(score(3, 3, [one]))).toBe(2);
    expect(surely(score(3, 3))).toBe(1);
    expect(surely(score(5, 5, [one]))).toBe(3);
  });

  it("is not lowered by what was not measured: the range says both", () => {
    const absent = { channel: "consciousness", score: null, low: 0, high: 3 };
    const open = score(4, 7, [absent]);
    expect([surely(open), possibly(open)]).toEqual([1, 4]);
    expect(absentParts(open)).toHaveLength(1);
    expect(written(open)).toBe("4–7");
    expect(written(score(4, 4))).toBe("4");
  });
});

describe("the direction of a change", () => {
  it("is said when both ends agree, and not when a range only widened", () => {
    const from = (low: number, high: number) => ({ from_low: low, from_high: high, hours: 4 });
    expect(direction(score(5, 5, [], from(3, 3)))).toBe(1);
    expect(direction(score(2, 2, [], from(3, 3)))).toBe(-1);
    expect(direction(score(2, 8, [], from(3, 3)))).toBe(0);
    expect(direction(score(3, 3))).toBe(0);
  });
});
