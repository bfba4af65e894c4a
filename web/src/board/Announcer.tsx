import { useEffect, useRef, useState } from "react";
import type { Row } from "../api/contract";
import { announcements } from "./announce";

/** ms between two announcements: more often would talk over whoever listens (assumed). */
const RARELY_MS = 15_000;

export function Announcer({ rows }: { rows: ReadonlyMap<string, Row> }) {
  const before = useRef(rows);
  const waiting = useRef<string[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const [text, setText] = useState("");
  useEffect(() => {
    waiting.current.push(...announcements(before.current, rows));
    before.current = rows;
    if (!waiting.current.length || timer.current) return;
    setText(waiting.current.splice(0).join(". "));
    timer.current = setTimeout(() => {
      timer.current = null;
      if (waiting.current.length) setText(waiting.current.splice(0).join(". "));
    }, RARELY_MS);
  }, [rows]);
  useEffect(() => () => clearTimeout(timer.current ?? undefined), []);
  return (
    <p className="heard" aria-live="polite">
      {text}
    </p>
  );
}
