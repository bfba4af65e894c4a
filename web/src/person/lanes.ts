/** Where events stand on the axis of time: each in the first lane in which it does not lie over another. */

import type { Micros, PersonEvent } from "../api/contract";
import type { Window } from "./window";

export interface Placed {
  event: PersonEvent;
  lane: number;
  /** Shares of the width of the axis. */
  left: number;
  width: number;
}

/** px that a label needs to be read: events nearer than this stand below each other (assumed: eighteen letters). */
const LABEL_PX = 130;

export function placed(events: readonly PersonEvent[], shown: Window, widthPx: number): Placed[] {
  const share = (at: Micros) => (at - shown.start) / (shown.stop - shown.start);
  const ends: number[] = [];
  return events
    .filter((event) => (event.stop ?? event.at) >= shown.start && event.at <= shown.stop)
    .sort((a, b) => a.at - b.at || a.seq - b.seq)
    .map((event) => {
      const left = Math.max(0, share(event.at));
      const width = Math.max(0, Math.min(1, share(event.stop ?? event.at)) - left);
      const end = left + Math.max(width, LABEL_PX / Math.max(widthPx, 1));
      const free = ends.findIndex((taken) => taken <= left);
      const lane = free < 0 ? ends.length : free;
      ends[lane] = end;
      return { event, lane, left, width };
    });
}
