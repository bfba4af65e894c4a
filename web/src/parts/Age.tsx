import type { Micros } from "../api/contract";
import { useNow } from "../app/ward";
import { full, iso, longSpan, MINUTE, SECOND, shortSpan } from "../base/time";

interface Of {
  at: Micros;
  /** Around the age: "48 min" to "48 min ago". */
  say?: (age: string) => string;
  className?: string;
}

/** How long ago something was, by the server's clock; the time itself on pointing, in words for whoever listens. */
export function Age({ at, say = (age) => age, className }: Of) {
  const now = useNow(10 * SECOND);
  const length = now - at;
  const short = length < MINUTE ? "<1 min" : shortSpan(length);
  return (
    <time dateTime={iso(at)} title={full(at)} className={className}>
      <span aria-hidden="true">{say(short)}</span>
      <span className="heard">{say(length < MINUTE ? "less than a minute" : longSpan(length))}</span>
    </time>
  );
}
