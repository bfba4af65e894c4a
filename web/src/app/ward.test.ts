import { describe, expect, it } from "vitest";
import type { Row } from "../api/contract";
import { changedBy, pulsed, type Ward, whole } from "./ward";

const row = (subject: string, heard: number) => ({ subject, heard }) as Row;

const start: Ward = whole(null, { now: 100, seq: 10, rows: [row("a", 1), row("b", 1)], units: [] });

describe("the ward of a tab", () => {
  it("changes in those rows that the server sends, and forgets who is gone", () => {
    const later = changedBy(start, { now: 110, seq: 12, whole: false, rows: [row("a", 2), row("c", 2)], gone: ["b"] });
    expect([...later.rows.keys()].sort()).toEqual(["a", "c"]);
    expect(later.rows.get("a")?.heard).toBe(2);
    expect(later.seq).toBe(12);
  });

  it("does not go back when an older change is sent again after a reconnection", () => {
    const later = changedBy(start, { now: 110, seq: 12, whole: false, rows: [row("a", 2)], gone: [] });
    expect(changedBy(later, { now: 105, seq: 11, whole: false, rows: [row("a", 1)], gone: ["a"] })).toBe(later);
  });

  it("takes everything anew from a server that began again, however low its numbers are", () => {
    const later = changedBy(start, { now: 120, seq: 1, whole: true, rows: [row("z", 3)], gone: [] });
    expect([...later.rows.keys()]).toEqual(["z"]);
    expect(later.seq).toBe(1);
  });

  it("lives by the server's clock, which never goes back on a screen", () => {
    expect(pulsed(start, { now: 90, seq: 10, doors: [], trouble: "" }).now).toBe(100);
    expect(pulsed(start, { now: 130, seq: 10, doors: [], trouble: "" }).now).toBe(130);
  });

  it("keeps rows that did not change as they were, so that they are not drawn again", () => {
    const later = changedBy(start, { now: 110, seq: 12, whole: false, rows: [row("a", 2)], gone: [] });
    expect(later.rows.get("b")).toBe(start.rows.get("b"));
  });
});
