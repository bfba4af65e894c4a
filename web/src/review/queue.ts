/** The queue of what was proposed: what stands where, what a decision needs, and what is worth seeing first. */

import type { Foretold, Recommendation, Row, Verdict } from "../api/contract";
import { plain } from "../what_if/readings";

export const VERDICTS: readonly Verdict[] = ["accepted", "changed", "rejected"];

/** How many wait on the whole ward, by what the board says of each person. */
export function waitingOn(rows: Iterable<Row>): number {
  let count = 0;
  for (const row of rows) count += row.recommendations;
  return count;
}

export interface Draft {
  verdict: Verdict;
  reason: string;
  words: string;
}

export type Missing = "reason" | "words";

/** What the server wants of a decision and is not there yet: others learn from it. */
export function missing(draft: Draft): Missing[] {
  const found: Missing[] = [];
  if (draft.verdict === "changed" && !draft.words.trim()) found.push("words");
  if (draft.verdict !== "accepted" && !draft.reason.trim()) found.push("reason");
  return found;
}

/** The queue with one of its entries as it is now; what came of it stays known. */
export function replaced(queue: readonly Recommendation[], one: Recommendation): Recommendation[] {
  return queue.map((before) =>
    before.subject === one.subject && before.seq === one.seq
      ? { ...one, done: before.done, foretold: before.foretold }
      : before,
  );
}

export interface ForetoldRow {
  label: string;
  unit: string;
  /** In the order of the minutes; null where nothing was foretold of one. */
  at: (Foretold | null)[];
}

export const minutesOf = (one: Recommendation) =>
  [...new Set(one.foretold.map((row) => row.minute))].sort((a, b) => a - b);

/** A row for each reading, a column for each minute. */
export function tableOf(one: Recommendation): ForetoldRow[] {
  const minutes = minutesOf(one);
  return [...new Set(one.foretold.map((row) => row.label))].map((label) => {
    const own = one.foretold.filter((row) => row.label === label);
    return { label, unit: own[0]!.unit, at: minutes.map((minute) => own.find((row) => row.minute === minute) ?? null) };
  });
}

/** Readings that are read without a point, and those that need two digits behind it. */
const WHOLE = new Set(["MAP", "HR", "SpO2", "PaO2", "PaCO2", "EtCO2"]);
const FINE = new Set(["pH"]);

/** A value of a reading with the digits that it is read with. */
export const figure = (label: string, value: number) => plain(FINE.has(label) ? 2 : WHOLE.has(label) ? 0 : 1, value);

/** How many of what was foretold came within its interval, and of how many anything came. */
export function cameOf(one: Recommendation): { inside: number; known: number } {
  const known = one.foretold.filter((row) => row.inside !== null);
  return { inside: known.filter((row) => row.inside).length, known: known.length };
}
