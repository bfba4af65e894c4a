/** Plans that are compared: up to four, each with a letter that stays its own. */

import type { Change } from "../api/contract";

export const LETTERS = ["A", "B", "C", "D"] as const;
export type Letter = (typeof LETTERS)[number];

export interface Plan {
  letter: Letter;
  /** What differs from what is set, in the units of the server. */
  change: Change;
}

export const FIRST: readonly Plan[] = [{ letter: "A", change: {} }];

export const isEmpty = (plan: Plan) => Object.keys(plan.change).length === 0;

/** One more, which begins as a copy: what is compared usually differs in one thing. */
export function added(plans: readonly Plan[], from: Change): { plans: Plan[]; letter: Letter } | null {
  const letter = LETTERS.find((one) => !plans.some((plan) => plan.letter === one));
  if (!letter) return null;
  const all = [...plans, { letter, change: { ...from } }];
  return { plans: all.sort((a, b) => a.letter.localeCompare(b.letter)), letter };
}

export const without = (plans: readonly Plan[], letter: Letter): Plan[] =>
  plans.filter((plan) => plan.letter !== letter);

export const changed = (plans: readonly Plan[], letter: Letter, change: Change): Plan[] =>
  plans.map((plan) => (plan.letter === letter ? { letter, change } : plan));

/** The tab that a key leads to, null for a key that moves nowhere. */
export function tabAfter<T>(tabs: readonly T[], at: T, key: string): T | null {
  const place = tabs.indexOf(at);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (step) return tabs[(place + step + tabs.length) % tabs.length] ?? null;
  if (key === "Home") return tabs[0] ?? null;
  return key === "End" ? (tabs.at(-1) ?? null) : null;
}
