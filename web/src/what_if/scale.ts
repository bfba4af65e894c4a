/** Where things stand in a small chart. */

import { padded } from "../board/sparkline";

/** The range of an axis: at least so wide, and never below nothing where no value is. */
export function rangeOf(low: number, high: number, least: number): [number, number] {
  const [bottom, top] = padded(low, high, least);
  return low >= 0 && bottom < 0 ? [0, top - bottom] : [bottom, top];
}

/** Places in ascending order, moved until each has its room: close to where they were, and within bounds. */
export function apart(places: readonly number[], room: number, low: number, high: number): number[] {
  // Groups that touch share the middle of where their members wanted to be.
  const groups: { wanted: number[]; middle: number }[] = [];
  const half = (group: { wanted: number[] }) => (group.wanted.length * room) / 2;
  const settle = (wanted: number[]) => {
    const mean = wanted.reduce((sum, one) => sum + one, 0) / wanted.length;
    const reach = (wanted.length * room) / 2 - room / 2;
    return Math.max(low + reach, Math.min(high - reach, mean));
  };
  for (const place of places) {
    let last = { wanted: [place], middle: settle([place]) };
    for (let before = groups.at(-1); before && before.middle + half(before) > last.middle - half(last);) {
      groups.pop();
      const wanted: number[] = [...before.wanted, ...last.wanted];
      last = { wanted, middle: settle(wanted) };
      before = groups.at(-1);
    }
    groups.push(last);
  }
  return groups.flatMap((group) =>
    group.wanted.map((_, i) => group.middle + (i - (group.wanted.length - 1) / 2) * room),
  );
}
