/**
 * Pages have addresses, people do not: who is open stands in the state of the browser's history and of this tab, so that
 * no address, bookmark or log names anybody.
 */

import { useSyncExternalStore } from "react";

export const PATHS = ["/", "/person", "/what-if", "/review", "/role", "/passkey"] as const;
export type Path = (typeof PATHS)[number];

export interface Place {
  path: string;
  /** Key of the person that is open. */
  subject: string | null;
}

const KEPT = "caretwin.subject";
const listeners = new Set<() => void>();
let place: Place = { path: "/", subject: null };

function read(): Place {
  const state = history.state as { subject?: string } | null;
  return { path: location.pathname, subject: state?.subject ?? sessionStorage.getItem(KEPT) };
}

function changed(): void {
  place = read();
  for (const listener of listeners) listener();
}

export function startRouter(): void {
  place = read();
  addEventListener("popstate", changed);
}

export function go(path: Path, subject: string | null = null): void {
  if (subject !== null) sessionStorage.setItem(KEPT, subject);
  history.pushState(subject === null ? {} : { subject }, "", path);
  changed();
  scrollTo(0, 0);
}

/** Forgets who was open: when somebody signs out. */
export function forget(): void {
  sessionStorage.removeItem(KEPT);
  history.replaceState({}, "", "/");
  changed();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const usePlace = (): Place => useSyncExternalStore(subscribe, () => place);
