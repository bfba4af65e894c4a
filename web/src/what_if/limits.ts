/** How probable it is that a limit is broken, with each plan against no change. */

import type { Futures } from "../api/contract";
import { percentage, textWritten } from "../base/units";
import { capital } from "../texts";

/** Chance above which a limit is called in danger; that of the advice (decide/ventilation_limits.py). */
const ALLOWED = 0.05;
/** By how much a chance has to be more than without change to be called rising; from the same place. */
const WORSE = 0.02;

export const isOver = (chance: number) => chance > ALLOWED;
export const isRising = (chance: number, unchanged: number) => chance > unchanged + WORSE;

export interface Chance {
  chance: number;
  over: boolean;
  /** More than without change. */
  rising: boolean;
}

export interface LimitRow {
  name: string;
  label: string;
  hard: boolean;
  /** No change first, then the plans; null where nothing is said. */
  chances: (Chance | null)[];
}

export function rowsOf(futures: Futures): LimitRow[] {
  const [unchanged, ...plans] = futures.plans;
  const rows = (unchanged?.limits ?? []).map((limit): LimitRow => {
    const judged = (chance: number): Chance => ({
      chance,
      over: isOver(chance),
      rising: isRising(chance, limit.chance),
    });
    const others = plans.map((plan) => plan.limits.find((one) => one.name === limit.name));
    return {
      name: limit.name,
      label: capital(textWritten(limit.label)),
      hard: limit.hard,
      chances: [judged(limit.chance), ...others.map((one) => (one ? judged(one.chance) : null))],
    };
  });
  return [...rows.filter((row) => row.hard), ...rows.filter((row) => !row.hard)];
}

/** A chance in per cent; neither 0 nor 100 is said of what was only counted. */
export function chanceWritten(chance: number): string {
  if (chance < 0.005) return "< 1 %";
  return chance > 0.995 ? "> 99 %" : percentage(chance);
}

/** The same without its unit, for a column of them. */
export const figure = (chance: number) => chanceWritten(chance).replace(" %", "");

/** The limits that a plan makes worse, or leaves in danger: hard ones only. */
export const inDanger = (rows: readonly LimitRow[], plan: number): LimitRow[] =>
  rows.filter((row) => row.hard && (row.chances[plan]?.over || row.chances[plan]?.rising));
