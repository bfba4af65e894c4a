/** Questions to the server. A person is named in the body of a question, never in its address: addresses are logged. */

import { attendance } from "./attendance";
import type {
  Board,
  Change,
  Forecasts,
  Futures,
  Micros,
  Person,
  Problem,
  Provenance,
  Queue,
  Recommendation,
  Series,
  Session,
  Verdict,
  Ways,
} from "./contract";

/** The server said no: with its status, its title, and the rule that refused. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.reason ?? problem.title ?? `status ${status}`);
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {}

type Listener = () => void;
const whenSignedOut = new Set<Listener>();

/** Calls back when any question is answered with 401; returns how to stop. */
export function onSignedOut(listener: Listener): () => void {
  whenSignedOut.add(listener);
  return () => whenSignedOut.delete(listener);
}

export function tellSignedOut(): void {
  for (const listener of whenSignedOut) listener();
}

async function ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", ...attendance() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable(String(error));
  }
  const text = await response.text();
  const answer = readJson(text);
  if (response.ok) return answer as T;
  throw new Refused(response.status, (answer ?? {}) as Problem);
}

function readJson(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** As ``ask``, for whoever is signed in: that they are no longer is told to the whole application. */
async function asked<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  try {
    return await ask<T>(method, path, body, signal);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) tellSignedOut();
    throw error;
  }
}

export type Who = { session: Session } | { ways: Ways };

export const ways = () => ask<Ways>("GET", "/api/sign-in/ways");

export async function whoAmI(): Promise<Who> {
  try {
    return { session: await ask<Session>("GET", "/api/session") };
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return { ways: await ways() };
    throw error;
  }
}

export interface Choice {
  role?: string;
  purpose?: string;
}

export const signInByLink = (secret: string, choice: Choice = {}) =>
  ask<Session>("POST", "/api/sign-in/link", { secret, ...choice });

export interface Ceremony<Options> {
  ceremony: string;
  options: Options;
}

export const passkeyOptions = () =>
  ask<Ceremony<PublicKeyCredentialRequestOptionsJSON>>("POST", "/api/sign-in/passkey/options");

export const signInByPasskey = (ceremony: string, credential: unknown, choice: Choice = {}) =>
  ask<Session>("POST", "/api/sign-in/passkey", { ceremony, credential, ...choice });

/** The page of the identity provider, to which the browser goes. */
export const signInElsewhere = (choice: Choice = {}) => ask<{ address: string }>("POST", "/api/sign-in/oidc", choice);

export const newPasskeyOptions = () =>
  asked<Ceremony<PublicKeyCredentialCreationOptionsJSON>>("POST", "/api/session/passkey/options");

export const keepPasskey = (ceremony: string, credential: unknown, name: string) =>
  asked<unknown>("POST", "/api/session/passkey", { ceremony, credential, name });

export const signOut = () => ask<unknown>("POST", "/api/session/out");

/** A session in another role; the role's first purpose where none is said. */
export const takeRole = (role: string, purpose: string | null) =>
  asked<Session>("POST", "/api/session/act", { role, purpose });

export const session = () => asked<Session>("GET", "/api/session");

export const board = (signal?: AbortSignal) => asked<Board>("GET", "/api/board", undefined, signal);

export const person = (subject: string, signal?: AbortSignal) =>
  asked<Person>("POST", "/api/person", { subject }, signal);

export interface SeriesQuestion {
  subject: string;
  channels: string[];
  start: Micros;
  stop: Micros;
  /** How many values of a series are wanted at most: the server thins what is more. */
  most: number;
}

export const series = (question: SeriesQuestion, signal?: AbortSignal) =>
  asked<{ series: Series[] }>("POST", "/api/person/series", question, signal);

export const forecasts = (subject: string, signal?: AbortSignal) =>
  asked<Forecasts>("POST", "/api/person/forecasts", { subject }, signal);

export const provenance = (subject: string, seq: number, signal?: AbortSignal) =>
  asked<Provenance>("POST", "/api/provenance", { subject, seq }, signal);

/** No change first, then the plans as they were asked; nothing of it is kept. */
export const whatIf = (subject: string, plans: Change[], signal?: AbortSignal) =>
  asked<Futures>("POST", "/api/what-if", { subject, plans }, signal);

export const propose = (subject: string, change: Change, reason: string) =>
  asked<Recommendation>("POST", "/api/recommendations/propose", { subject, change, reason });

export const recommendations = (signal?: AbortSignal) => asked<Queue>("GET", "/api/recommendations", undefined, signal);

export interface Decision {
  subject: string;
  seq: number;
  verdict: Verdict;
  /** Why; wanted unless it is accepted. */
  reason: string;
  /** To what it was changed; wanted where it was. */
  words: string;
}

export const decide = (decision: Decision) => asked<Recommendation>("POST", "/api/recommendations/review", decision);

/** Leave to look at somebody who is not one's own, for a reason; the auditor is told. */
export const breakGlass = (subject: string, reason: string) =>
  asked<{ until: Micros }>("POST", "/api/break-glass", { subject, reason });
