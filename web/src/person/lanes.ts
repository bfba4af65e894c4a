/** Where events stand on the axis of time: each in the first lane in which it does not lie over another. */

import type { Micros, PersonEvent } from "../api/contract";
import type { Window } from "./window";

export interface Placed {
  event: PersonEvent;
  lane: number;
  /** Shares of the width of the axis. */
  left: number;
  width: number;
  /** Whether the label stands before its bar: near the right edge it would be cut off. */
  before: boolean;
}

/** px that a label may take; events whose labels would meet stand below each other (assumed: two dozen letters). */
export const LABEL_PX = 160;

export function placed(events: readonly PersonEvent[], shown: Window, widthPx: number, labelPx = LABEL_PX): Placed[] {
  const share = (at: Micros) => (at - shown.start) / (shown.stop - shown.start);
  const label = labelPx / Math.max(widthPx, 1);
  const lanes: { from: number; to: number }[][] = [];
  return events
    .filter((event) => (event.stop ?? event.at) >= shown.start && event.at <= shown.stop)
    .sort((a, b) => a.at - b.at || a.seq - b.seq)
    .map((event) => {
      const left = Math.max(0, share(event.at));
      const width = Math.max(0, Math.min(1, share(event.stop ?? event.at)) - left);
      const before = left + width + label > 1 && left >= label;
      const [from, to] = before ? [left - label, left + width] : [left, left + width + label];
      const free = lanes.findIndex((lane) => lane.every((taken) => to <= taken.from || from >= taken.to));
      const lane = free < 0 ? lanes.length : free;
      lanes[lane] = [...(lanes[lane] ?? []), { from, to }];
      return { event, lane, left, width, before };
    });
}
