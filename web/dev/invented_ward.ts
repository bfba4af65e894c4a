/**
 * A server of invented answers inside Vite, for looking at pages while they are made (`npm run dev`). Never part of the
 * built application, and no test of the product speaks with it.
 *
 * GET /invented?people=60&signed=1&roles=3&silent=0 changes what it answers.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";
import type { Provenance, Session } from "../src/api/contract.ts";
import { HOUR, MINUTE } from "../src/base/time.ts";
import { board, forecasts, KINDS, person, row, series } from "./invented_people.ts";

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; worker-src 'self'; " +
  "img-src 'self' data:; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'";

const now = () => Date.now() * 1000;

interface State {
  people: number;
  signed: boolean;
  roles: number;
  /** What of the page does not answer: "board", "person", "series" ("" for nothing). */
  broken: string;
  /** ms that every answer waits. */
  slow: number;
}

const ROLES = ["doctor", "nurse", "engineer"];

function session(state: State, role = "doctor", purpose = "direct care"): Session {
  return {
    account: "a1",
    name: "Dr Rosalind Achterberg",
    role,
    roles: ROLES.slice(0, state.roles),
    units: [],
    purpose,
    purposes: ["direct care", "service management"],
    may: ["board:see", "person:see"],
    passkeys: 0,
    ends: now() + 8 * HOUR,
    idle_min: 15,
    site: "St Elsewhere, intensive care",
    zone: "Europe/London",
    demo: true,
  };
}

type Asked = Record<string, any>;

async function body(request: IncomingMessage): Promise<Asked> {
  let text = "";
  for await (const piece of request) text += piece;
  return text ? JSON.parse(text) : {};
}

function origin(seq: number): Provenance {
  const one = KINDS[seq % KINDS.length]!;
  const at = Math.floor(seq / KINDS.length) * MINUTE;
  return {
    channel: one.channel,
    value: one.usual,
    unit: one.unit,
    effective: at,
    received: at + 42 * 1e6,
    title: one.title,
    source: "monitors",
    sender: "HL7 v2, gateway of ward 3",
    message: `MSG-000${seq % 9973}`,
    status: "final",
    quality: seq % 5 === 0 ? "odd: stands out from its neighbours" : "good",
    note: { device: "arterial line", method: "invasive" },
    versions: [
      { seq: seq - 3, value: 17, effective: at, received: at + 12 * 1e6, status: "preliminary", superseded: true },
      { seq, value: one.usual, effective: at, received: at + 42 * 1e6, status: "final", superseded: false },
    ],
    twin: {
      used: true,
      why: "",
      expected: {
        said_at: at - HOUR,
        hours: 1,
        low: one.usual - one.spread,
        median: one.usual,
        high: one.usual + one.spread,
        inside: true,
      },
    },
  };
}

function middleware(): Connect.NextHandleFunction {
  const state: State = { people: 8, signed: true, roles: 2, broken: "", slow: 0 };
  let current = session(state);

  const json = (response: ServerResponse, status: number, value: unknown) => {
    response.statusCode = status;
    response.setHeader("Content-Type", status < 400 ? "application/json" : "application/problem+json");
    response.end(JSON.stringify(value));
  };

  const live = (request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    let beat = 0;
    const send = () => {
      beat += 1;
      const at = now();
      const say = (event: string, data: object) =>
        response.write(`id: ${Math.floor(at / 1e6)}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      say("pulse", {
        now: at,
        seq: Math.floor(at / 1e6),
        doors: [{ name: "monitors", listening: "127.0.0.1:2575", trouble: "", age_s: 1 }],
        trouble: "",
      });
      if (state.people && beat % 3 === 0) {
        const changed = [0, 1, 2].map(() => row(Math.floor(Math.random() * state.people), at));
        say("board", { now: at, seq: Math.floor(at / 1e6), whole: false, rows: changed, gone: [] });
      }
    };
    send();
    const timer = setInterval(send, 1000);
    request.on("close", () => clearInterval(timer));
  };

  const answers: Record<string, (asked: Asked) => unknown> = {
    "GET /api/board": () => board(state.people, now()),
    "POST /api/person": (asked) => person(Number.parseInt(String(asked.subject).slice(1), 16), now()),
    "POST /api/person/series": (asked) => ({
      series: series(asked.subject, asked.channels, asked.start, asked.stop, asked.most, now()),
    }),
    "POST /api/person/forecasts": (asked) => forecasts(asked.subject, now()),
    "POST /api/provenance": (asked) => origin(asked.seq),
    "POST /api/session/act": (asked) => (current = session(state, asked.role, asked.purpose)),
    "POST /api/sign-in/passkey/options": () => ({ ceremony: "c1", options: { challenge: "AAAA", rpId: "localhost" } }),
    "POST /api/session/passkey/options": () => ({
      ceremony: "c2",
      options: {
        challenge: "AAAA",
        rp: { name: "caretwin" },
        user: { id: "AAAA", name: "a1", displayName: "A" },
        pubKeyCredParams: [{ type: "public-key", alg: -7 }],
      },
    }),
  };

  return async (request, response, next) => {
    const address = new URL(request.url ?? "/", "http://localhost");
    response.setHeader("Content-Security-Policy", process.env.CSP ? CSP : "");
    if (!process.env.CSP) response.removeHeader("Content-Security-Policy");
    if (address.pathname === "/invented") {
      for (const [key, value] of address.searchParams) {
        if (key === "signed") state.signed = value === "1";
        else if (key === "broken") state.broken = value;
        else if (key === "people" || key === "roles" || key === "slow") state[key] = Number(value);
      }
      current = session(state);
      return json(response, 200, state);
    }
    if (!address.pathname.startsWith("/api/")) return next();
    if (state.slow) await new Promise((resolve) => setTimeout(resolve, state.slow));
    const key = `${request.method} ${address.pathname}`;
    if (key === "POST /api/sign-in/link") {
      const asked = await body(request);
      if (String(asked.secret) !== "good")
        return json(response, 401, { title: "This link was used or is too old", status: 401 });
      state.signed = true;
      return json(response, 200, (current = session(state)));
    }
    if (key === "POST /api/session/out") {
      state.signed = false;
      return json(response, 200, {});
    }
    if (key.startsWith("POST /api/sign-in/passkey"))
      return json(response, 200, answers[key]?.(await body(request)) ?? {});
    if (key === "GET /api/sign-in/ways") {
      return json(response, 200, { passkey: true, oidc: "hospital account", site: "St Elsewhere" });
    }
    if (!state.signed) {
      return json(response, 401, {
        title: "Sign in",
        status: 401,
      });
    }
    if (key === "GET /api/session") return json(response, 200, current);
    if (key === "GET /api/live") return live(request, response);
    const answer = answers[key];
    if (!answer) return json(response, 404, { title: "There is no such question", status: 404 });
    if (state.broken && address.pathname.endsWith(state.broken)) {
      return json(response, 403, {
        title: "You may not see this person",
        status: 403,
        detail: "give a reason, or ask whoever runs this site",
        reason: "a nurse of another unit",
        rule: "nurse-own-unit",
      });
    }
    return json(response, 200, answer(request.method === "POST" ? await body(request) : {}));
  };
}

export function inventedWard(): Plugin {
  return {
    name: "invented-ward",
    configureServer: (server) => void server.middlewares.use(middleware()),
    configurePreviewServer: (server) => void server.middlewares.use(middleware()),
  };
}
