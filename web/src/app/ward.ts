/** The ward as this tab knows it: taken whole once, then changed by what the server says as it happens. */

import { useSyncExternalStore } from "react";
import { board, tellSignedOut } from "../api/client";
import type { Board, BoardChange, Door, Micros, Pulse, Row, Unit } from "../api/contract";
import { listen, type ServerEvent } from "../api/events";

export interface Ward {
  /** The server's clock: the only one by which anything is called old. */
  now: Micros;
  seq: number;
  rows: ReadonlyMap<string, Row>;
  units: Unit[];
  doors: Door[];
  /** What is wrong with the site, in a sentence; "" for nothing. */
  trouble: string;
  link: "connecting" | "live" | "lost";
}

/** A board taken whole: nothing of an earlier one stays. */
export function whole(before: Ward | null, taken: Board): Ward {
  return {
    now: Math.max(taken.now, before?.now ?? 0),
    seq: taken.seq,
    rows: new Map(taken.rows.map((row) => [row.subject, row])),
    units: taken.units,
    doors: before?.doors ?? [],
    trouble: before?.trouble ?? "",
    link: before?.link ?? "connecting",
  };
}

/** What changed, put in. A change that is older than what is known was sent twice, and changes nothing. */
export function changedBy(before: Ward, change: BoardChange): Ward {
  // Pictures are numbered within the life of a server: what is whole begins anew.
  if (!change.whole && change.seq < before.seq) return before;
  const rows = new Map(change.whole ? [] : before.rows);
  for (const row of change.rows) rows.set(row.subject, row);
  for (const subject of change.gone) rows.delete(subject);
  return { ...before, now: Math.max(before.now, change.now), seq: change.seq, rows };
}

export function pulsed(before: Ward, pulse: Pulse): Ward {
  return { ...before, now: Math.max(before.now, pulse.now), doors: pulse.doors, trouble: pulse.trouble };
}

const listeners = new Set<() => void>();
let ward: Ward | null = null;
let stop: (() => void) | null = null;
let trouble: unknown = null;
let scheduled = false;

function tell(): void {
  // Several events of one moment are drawn once.
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    for (const listener of listeners) listener();
  });
}

function put(next: Ward | null): void {
  if (next === ward) return;
  ward = next;
  tell();
}

function heard(event: ServerEvent): void {
  if (!ward) return;
  if (event.event === "end") tellSignedOut();
  else if (event.event === "board") put(changedBy(ward, JSON.parse(event.data) as BoardChange));
  else if (event.event === "pulse") put(pulsed(ward, JSON.parse(event.data) as Pulse));
}

/** Takes the ward and listens to it until stopped; a failure is kept for whoever shows the board. */
export async function startWard(): Promise<void> {
  stopWard();
  const mine = new AbortController();
  stop = () => mine.abort();
  try {
    const taken = await board(mine.signal);
    trouble = null;
    put(whole(ward, taken));
    const end = listen("/api/live", {
      onEvent: heard,
      onState: (state) => ward && put({ ...ward, link: state === "open" ? "live" : "lost" }),
      onSignedOut: tellSignedOut,
    });
    stop = end;
  } catch (error) {
    if (mine.signal.aborted) return;
    trouble = error;
    tell();
  }
}

export function stopWard(): void {
  stop?.();
  stop = null;
}

/** Nothing of anybody stays in this tab: when a session has ended. */
export function forgetWard(): void {
  stopWard();
  trouble = null;
  put(null);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useWard = (): Ward | null => useSyncExternalStore(subscribe, () => ward);

export const useWardTrouble = (): unknown => useSyncExternalStore(subscribe, () => trouble);

/** The server's clock, to the minute where that is enough: what uses it is drawn anew only then. */
export const useNow = (step: Micros = 1): Micros =>
  useSyncExternalStore(subscribe, () => (ward ? Math.floor(ward.now / step) * step : 0));
