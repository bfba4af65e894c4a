import { describe, expect, it } from "vitest";
import type { News2, Row } from "../api/contract";
import { byNeed, held, matches, ordered } from "./need";

function row(subject: string, change: Partial<Row> = {}): Row {
  return {
    subject,
    name: subject,
    number: null,
    place: subject,
    unit: "A",
    age: 70,
    sex: "female",
    since: 0,
    left: null,
    heard: 0,
    news2: null,
    vitals: [],
    settings: { mode: null, fio2: null, norepinephrine: null },
    twin: { state: "live", at: 0, trouble: "" },
    doubt: null,
    surprises: [],
    recommendations: 0,
    ...change,
  };
}

const score = (low: number, high = low, parts: News2["parts"] = []): News2 => ({
  low,
  high,
  complete: low === high,
  single_three: parts.some((part) => part.low === 3),
  parts,
  changed: null,
});

const order = (rows: Row[]) => [...rows].sort(byNeed).map((one) => one.subject);

describe("who comes first", () => {
  it("is who surely needs an emergency look, before who may", () => {
    expect(order([row("may", { news2: score(2, 12) }), row("sure", { news2: score(7) })])).toEqual(["sure", "may"]);
  });

  it("is, of equal scores, who may be worse", () => {
    expect(order([row("known", { news2: score(3) }), row("open", { news2: score(3, 9) })])).toEqual(["open", "known"]);
  });

  it("is somebody of whom nothing is known before somebody who is known to be well", () => {
    expect(order([row("well", { news2: score(0) }), row("unknown")])).toEqual(["unknown", "well"]);
  });

  it("is somebody with one part of 3 before somebody with more points in small parts", () => {
    const three = { channel: "heart_rate", score: 3, low: 3, high: 3 };
    expect(order([row("four", { news2: score(4) }), row("three", { news2: score(3, 3, [three]) })])).toEqual([
      "three",
      "four",
    ]);
  });

  it("is never who has left", () => {
    expect(order([row("left", { left: 5, news2: score(12) }), row("well", { news2: score(0) })])).toEqual([
      "well",
      "left",
    ]);
  });

  it("goes by bed when all else is equal, and bed 2 stands before bed 10", () => {
    expect(order([row("Bed 10"), row("Bed 2")])).toEqual(["Bed 2", "Bed 10"]);
  });
});

describe("an order that is held", () => {
  it("moves nobody, takes out who went, and puts newcomers at the end", () => {
    const now = ordered(
      [row("a", { news2: score(9) }), row("b", { news2: score(1) }), row("new", { news2: score(20) })],
      "need",
    );
    expect(held(now, ["b", "gone", "a"]).map((one) => one.subject)).toEqual(["b", "a", "new"]);
  });
});

describe("a search within the page", () => {
  const zoe = row("x", { name: "Zoë O'Brien-Łukasik", place: "Bed 12", number: "943 476 5919", unit: "North" });
  const all = { unit: null, only: null };

  it("finds by bed, by name without accents, by words in any order, and by number with or without spaces", () => {
    for (const text of ["12", "zoe", "brien zoe", "9434765919", "943 476", ""]) {
      expect(matches(zoe, { ...all, text }), text).toBe(true);
    }
    expect(matches(zoe, { ...all, text: "zoe 13" })).toBe(false);
  });

  it("stays within a unit and within a group that was chosen", () => {
    expect(matches(zoe, { text: "", unit: "South", only: null })).toBe(false);
    expect(matches(zoe, { text: "", unit: "North", only: "recommended" })).toBe(false);
    expect(matches({ ...zoe, recommendations: 1 }, { text: "", unit: "North", only: "recommended" })).toBe(true);
  });
});
