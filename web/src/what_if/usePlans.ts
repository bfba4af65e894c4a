import { useEffect, useMemo, useRef, useState } from "react";
import type { Change } from "../api/contract";
import { differing, shownOf } from "./controls";
import * as plans from "./plans";
import type { Letter, Plan } from "./plans";
import { markReleased } from "./timing";
import type { Asking } from "./useFutures";

/** ms after the last key before what was typed is asked. */
const TYPED_MS = 300;

/** The plans that somebody makes, and when the server is asked about them. */
export function usePlans(asking: Asking) {
  const [made, setMade] = useState<readonly Plan[]>(plans.FIRST);
  const [open, setOpen] = useState<Letter | null>("A");
  const { answered, ask } = asking;
  const controls = useMemo(() => (answered?.futures.controls ?? []).map(shownOf), [answered]);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const asked = useRef("[]");
  useEffect(() => () => clearTimeout(timer.current), []);

  const send = (all: readonly Plan[]) => {
    const tried = all
      .map(({ letter, change }) => ({ letter, change: differing(change, controls) }))
      .filter((plan) => !plans.isEmpty(plan));
    const question = JSON.stringify(tried);
    if (question === asked.current) return;
    asked.current = question;
    const released = markReleased();
    ask({ letters: tried.map((plan) => plan.letter), changes: tried.map((plan) => plan.change), released });
  };
  const put = (next: readonly Plan[], how: "moved" | "released" | "typed") => {
    setMade(next);
    clearTimeout(timer.current);
    if (how === "released") send(next);
    if (how === "typed") timer.current = setTimeout(() => send(next), TYPED_MS);
  };
  return {
    made,
    open,
    controls,
    setOpen,
    change: (change: Change, how: "moved" | "released" | "typed") =>
      open && put(plans.changed(made, open, change), how),
    add: () => {
      const more = plans.added(made, made.find((plan) => plan.letter === open)?.change ?? {});
      if (!more) return;
      setOpen(more.letter);
      put(more.plans, "released");
    },
    remove: (letter: Letter) => {
      const left = plans.without(made, letter);
      setOpen(left.at(-1)?.letter ?? null);
      put(left, "released");
    },
  };
}

export type Plans = ReturnType<typeof usePlans>;
