/** A question that a page asks the server, and its answer. */

import { useCallback, useEffect, useRef, useState } from "react";

export interface Asked<T> {
  data: T | null;
  error: unknown;
  retry(): void;
}

/** Asks; keeps what is shown until there is something newer; forgets an answer to a question that is no longer asked. */
export function useAsked<T>(key: string, question: (signal: AbortSignal) => Promise<T>): Asked<T> {
  const [state, setState] = useState<{ data: T | null; error: unknown }>({ data: null, error: null });
  const [again, setAgain] = useState(0);
  const latest = useRef(question);
  latest.current = question;
  useEffect(() => {
    const stop = new AbortController();
    latest.current(stop.signal).then(
      (data) => setState({ data, error: null }),
      (error) => !stop.signal.aborted && setState((before) => ({ data: before.data, error })),
    );
    return () => stop.abort();
  }, [key, again]);
  const retry = useCallback(() => setAgain((count) => count + 1), []);
  return { ...state, retry };
}
