/**
 * What a NEWS2 asks for (Royal College of Physicians 2017, National Early Warning Score 2, charts 1 and 2), also where
 * parts were not measured: then the score is a range, and so is what it asks for.
 */

import type { News2 } from "../api/contract";

/** Colour and shape of a number: 0 to 3, as the scores of its parts. */
export type Band = 0 | 1 | 2 | 3;

/** The band of a whole score: 0; 1-4, low; 5-6, medium: urgent; 7 and more, high: emergency. */
export function band(total: number): Band {
  if (total >= 7) return 3;
  if (total >= 5) return 2;
  return total >= 1 ? 1 : 0;
}

export function partBand(score: number): Band {
  return Math.max(0, Math.min(3, Math.round(score))) as Band;
}

/** Whether one measured part alone is 3: asks for an urgent look whatever the sum. */
export const hasSingleThree = (score: News2) => score.single_three;

/** How much is asked for: 0 routine, 1 low, 2 one part is 3, 3 urgent (5-6), 4 emergency (7 and more). */
export type Level = 0 | 1 | 2 | 3 | 4;

function level(total: number, single: boolean): Level {
  const of = band(total);
  if (of === 3) return 4;
  if (of === 2) return 3;
  return single ? 2 : of;
}

/** What is asked for at the least: by what was measured. */
export const surely = (score: News2): Level => level(score.low, hasSingleThree(score));

/** What may be asked for at the most: if what was not measured is as bad as it can be. */
export const possibly = (score: News2): Level => level(score.high, hasSingleThree(score));

export const absentParts = (score: News2) => score.parts.filter((part) => part.score === null);

/** "5", or "3–11" where parts are missing. */
export const written = (score: { low: number; high: number }) =>
  score.low === score.high ? String(score.low) : `${score.low}–${score.high}`;

/** 1 when it rose, -1 when it fell, 0 when neither or when ranges overlap too much to say. */
export function direction(score: News2): -1 | 0 | 1 {
  if (!score.changed) return 0;
  const { from_low, from_high } = score.changed;
  if (score.low >= from_low && score.high >= from_high && score.low + score.high > from_low + from_high) return 1;
  if (score.low <= from_low && score.high <= from_high && score.low + score.high < from_low + from_high) return -1;
  return 0;
}

/** The order of the chart. */
export const PARTS = [
  "respiratory_rate",
  "oxygen_saturation",
  "oxygen",
  "systolic_pressure",
  "heart_rate",
  "alert",
  "temperature",
] as const;

export function inOrderOfTheChart(score: News2): News2["parts"] {
  const place = (channel: string) => {
    const found = (PARTS as readonly string[]).indexOf(channel);
    return found < 0 ? PARTS.length : found;
  };
  return [...score.parts].sort((a, b) => place(a.channel) - place(b.channel));
}
