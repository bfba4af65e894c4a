import { describe, expect, it } from "vitest";
import { apart, rangeOf } from "./scale";

describe("a small chart", () => {
  it("is not drawn below nothing where no value is", () => {
    expect(rangeOf(0, 0.5, 4)[0]).toBe(0);
    expect(rangeOf(-1, 3, 6)[0]).toBeLessThan(-1);
  });

  it("keeps letters apart, close to their lines and within the picture", () => {
    expect(apart([10, 50], 12, 0, 100)).toEqual([10, 50]);
    expect(apart([50, 50], 12, 0, 100)).toEqual([44, 56]);
    const crowded = apart([98, 99, 99, 100], 12, 6, 100);
    expect(crowded.at(-1)).toBe(100);
    crowded.slice(1).forEach((place, i) => expect(place - crowded[i]!).toBeGreaterThanOrEqual(12));
    expect(apart([], 12, 0, 100)).toEqual([]);
  });
});
