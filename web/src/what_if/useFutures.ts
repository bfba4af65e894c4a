/** Asks what plans would bring: one question at a time, of which only the newest waits. */

import { useCallback, useEffect, useRef, useState } from "react";
import { whatIf } from "../api/client";
import type { Change } from "../api/contract";
import type { Letter } from "./plans";
import type { Answered } from "./readings";

export interface Question {
  letters: readonly Letter[];
  changes: readonly Change[];
  /** performance.now() when a hand let go. */
  released: number;
}

export interface Asking {
  answered: Answered | null;
  /** When what is shown was asked for (performance.now()). */
  released: number;
  error: unknown;
  busy: boolean;
  ask(question: Question): void;
  retry(): void;
}

const NOTHING: Omit<Asking, "ask" | "retry"> = { answered: null, released: 0, error: null, busy: false };

export function useFutures(subject: string): Asking {
  const [state, setState] = useState(NOTHING);
  const running = useRef<AbortController | null>(null);
  const waiting = useRef<Question | null>(null);
  const last = useRef<Question | null>(null);

  const start = useCallback(
    (question: Question) => {
      const stop = new AbortController();
      running.current = stop;
      last.current = question;
      setState((before) => ({ ...before, busy: true }));
      const over = (found: Partial<typeof NOTHING>) => {
        if (stop.signal.aborted) return;
        running.current = null;
        const next = waiting.current;
        waiting.current = null;
        setState((before) => ({ ...before, ...found, busy: next !== null }));
        if (next) start(next);
      };
      whatIf(subject, [...question.changes], stop.signal).then(
        (futures) =>
          over({ answered: { futures, letters: question.letters }, released: question.released, error: null }),
        (error: unknown) => over({ error }),
      );
    },
    [subject],
  );

  const ask = useCallback(
    (question: Question) => {
      if (running.current) waiting.current = question;
      else start(question);
    },
    [start],
  );
  const retry = useCallback(() => {
    if (last.current) ask({ ...last.current, released: performance.now() });
  }, [ask]);

  useEffect(() => {
    ask({ letters: [], changes: [], released: performance.now() });
    return () => {
      running.current?.abort();
      running.current = null;
      waiting.current = null;
    };
  }, [ask]);

  return { ...state, ask, retry };
}
