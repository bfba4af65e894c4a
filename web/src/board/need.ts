/** Who needs somebody first: the order of the board. */

import type { Row } from "../api/contract";
import { possibly, surely } from "../base/news2";

/**
 * What speaks for looking at somebody, the gravest first: what the score surely asks for, what it may ask for, the score
 * itself, a twin in trouble or surprised, an open recommendation. Who left comes last.
 */
function reasons(row: Row): number[] {
  const score = row.news2;
  return [
    row.left === null ? 1 : 0,
    score ? surely(score) : 0,
    score ? possibly(score) : 4, // nothing known may be anything
    score ? score.low : 0,
    score ? score.high : 20,
    row.surprises.length,
    row.recommendations,
    row.twin.state === "trouble" ? 1 : 0,
  ];
}

const natural = new Intl.Collator("en-GB", { numeric: true, sensitivity: "base" });

/** Bed 2 before bed 10; who has no bed last. */
export function byPlace(a: Row, b: Row): number {
  return (
    Number(a.place === null) - Number(b.place === null) ||
    natural.compare(a.unit ?? "", b.unit ?? "") ||
    natural.compare(a.place ?? "", b.place ?? "") ||
    natural.compare(a.name ?? "", b.name ?? "") ||
    natural.compare(a.subject, b.subject)
  );
}

export function byNeed(a: Row, b: Row): number {
  const [left, right] = [reasons(a), reasons(b)];
  for (let i = 0; i < left.length; i++) {
    if (left[i] !== right[i]) return right[i]! - left[i]!;
  }
  return byPlace(a, b);
}

export type Order = "need" | "place";

export function ordered(rows: readonly Row[], order: Order): Row[] {
  return [...rows].sort(order === "need" ? byNeed : byPlace);
}

/**
 * The same people in the order in which they stood, newcomers at the end: nobody moves away from under a finger that is
 * about to touch them.
 */
export function held(rows: readonly Row[], order: readonly string[]): Row[] {
  const place = new Map(order.map((subject, index) => [subject, index]));
  const at = (row: Row) => place.get(row.subject) ?? order.length;
  return rows
    .map((row, index) => ({ row, index }))
    .sort((a, b) => at(a.row) - at(b.row) || a.index - b.index)
    .map((one) => one.row);
}

export interface Wanted {
  text: string;
  unit: string | null;
  only: Only | null;
}

/** The groups that the figures above the board count, and can be pressed to see alone. */
export type Only = "emergency" | "urgent" | "absent" | "surprised" | "recommended";

export const ONLY: Record<Only, (row: Row) => boolean> = {
  emergency: (row) => row.left === null && row.news2 !== null && surely(row.news2) === 4,
  urgent: (row) => row.left === null && row.news2 !== null && (surely(row.news2) === 3 || surely(row.news2) === 2),
  absent: (row) => row.left === null && (row.news2 === null || !row.news2.complete),
  surprised: (row) => row.surprises.length > 0,
  recommended: (row) => row.recommendations > 0,
};

const plain = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** Whether every word that was typed is in the bed, the name or the number, accents aside. */
export function matches(row: Row, wanted: Wanted): boolean {
  if (wanted.unit !== null && row.unit !== wanted.unit) return false;
  if (wanted.only !== null && !ONLY[wanted.only](row)) return false;
  const hay = plain([row.place, row.name, row.number?.replaceAll(" ", ""), row.number].filter(Boolean).join(" "));
  return plain(wanted.text)
    .split(/\s+/)
    .every((word) => hay.includes(word));
}
