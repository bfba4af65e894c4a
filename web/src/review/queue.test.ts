import { describe, expect, it } from "vitest";
import type { Foretold, Recommendation } from "../api/contract";
import { cameOf, figure, missing, replaced, tableOf } from "./queue";

const foretold = (label: string, minute: number, inside: boolean | null): Foretold => ({
  label,
  unit: "mmHg",
  minute,
  low: 60,
  median: 66,
  high: 72,
  unchanged: 61,
  came: inside === null ? null : 65,
  inside,
});
const one: Recommendation = {
  seq: 7,
  subject: "p1",
  at: 0,
  by: "A nurse",
  role: "nurse",
  state: "waiting",
  question: "what-if",
  words: "PEEP 12 cmH2O (now 8)",
  reason: "",
  change: { peep: 12 },
  foretold: [foretold("MAP", 30, true), foretold("HR", 30, null), foretold("MAP", 60, false)],
  limits: [],
  doubts: [],
  model: "m",
  review: null,
  done: { peep: true },
};

describe("the review queue", () => {
  it("wants a reason unless something is accepted, and what is done instead where it is changed", () => {
    expect(missing({ verdict: "accepted", reason: "", words: "" })).toEqual([]);
    expect(missing({ verdict: "rejected", reason: " ", words: "" })).toEqual(["reason"]);
    expect(missing({ verdict: "changed", reason: "", words: "" })).toEqual(["words", "reason"]);
    expect(missing({ verdict: "changed", reason: "x", words: "PEEP 10" })).toEqual([]);
  });

  it("has a row for each reading and a place for each minute, also where nothing was foretold", () => {
    const rows = tableOf(one);
    expect(rows.map((row) => row.label)).toEqual(["MAP", "HR"]);
    expect(rows[1]!.at.map((cell) => cell?.minute ?? null)).toEqual([30, null]);
  });

  it("counts only what came", () => {
    expect(cameOf(one)).toEqual({ inside: 1, known: 2 });
  });

  it("keeps what came of a proposal when it is decided, of this one alone", () => {
    const decided: Recommendation = { ...one, state: "rejected", foretold: [], done: {} };
    const [first, other] = replaced([one, { ...one, seq: 8 }], decided);
    expect([first!.state, first!.done, other!.state]).toEqual(["rejected", { peep: true }, "waiting"]);
    expect(first!.foretold).toHaveLength(3);
  });

  it("writes figures as precisely as they are read", () => {
    expect([figure("MAP", 66.4), figure("CVP", 12.34), figure("pH", 7.318)]).toEqual(["66", "12.3", "7.32"]);
  });
});
