/** How far a twin's word can be taken: from its data, and from how much wider they made its forecast. */

import type { Doubt } from "../api/contract";

/** 0 very low to 3 high. */
export type Confidence = 0 | 1 | 2 | 3;

/** Scores and factors from which a level is left (assumed: a quarter wider is seen, twice as wide is another forecast). */
const LEVELS: readonly (readonly [score: number, wider: number, level: Confidence])[] = [
  [0.8, 1.25, 3],
  [0.6, 1.6, 2],
  [0.35, 2.2, 1],
];

export function confidence(doubt: Doubt): Confidence {
  for (const [score, wider, level] of LEVELS) {
    if (doubt.score >= score && doubt.wider <= wider) return level;
  }
  return 0;
}
