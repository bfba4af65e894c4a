import { useState } from "react";
import { session as renew } from "../api/client";
import type { Micros } from "../api/contract";
import { longSpan, SECOND } from "../base/time";
import { t } from "../texts";
import { useSession, useSigning } from "./session";
import { useNow } from "./ward";

/** Says before a session ends for want of anything done, and lets one stay (WCAG 2.2, 2.2.1). */
export function EndingSoon({ margin }: { margin: Micros }) {
  const session = useSession();
  const { signedIn } = useSigning();
  const now = useNow(10 * SECOND);
  const [busy, setBusy] = useState(false);
  const left = Math.min(session.idle_ends, session.ends) - now;
  if (!now || left > margin || left < 0) return null;
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
      <span>{t.shell.ending(longSpan(left))}</span>
      <button type="button" className="button button--small" disabled={busy} onClick={() => void stay()}>
        {t.shell.stay}
      </button>
    </div>
  );
}
