import { useState } from "react";
import { sinceAsked } from "../api/attendance";
import { session as renew } from "../api/client";
import type { Micros } from "../api/contract";
import { longSpan, MINUTE, SECOND } from "../base/time";
import { t } from "../texts";
import { left } from "./ending";
import { useSigning } from "./session";
import { useNow } from "./ward";

/** Says before a session ends for want of anything done, and lets one stay (WCAG 2.2, 2.2.1). */
export function EndingSoon({ margin }: { margin: Micros }) {
  const { standing, signedIn } = useSigning();
  const now = useNow(10 * SECOND);
  const [busy, setBusy] = useState(false);
  if (standing.is !== "in" || !now) return null;
  const { session, since } = standing;
  const told = performance.now() - since; // ms since the server told when the session ends
  const remaining = left(session.idle_min * MINUTE, Math.min(told, sinceAsked()) * 1000, session.ends, now);
  if (remaining > margin || remaining < 0) return null;
  const stay = async () => {
    setBusy(true);
    try {
      signedIn(await renew());
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="banner banner--ending" role="alert">
      <span>{t.shell.ending(longSpan(remaining))}</span>
      <button type="button" className="button button--small" disabled={busy} onClick={() => void stay()}>
        {t.shell.stay}
      </button>
    </div>
  );
}
