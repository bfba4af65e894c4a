import { useState } from "react";
import { passkeyOptions, signInByPasskey, signInElsewhere } from "../api/client";
import type { Ways as WaysIn } from "../api/contract";
import { useSigning } from "../app/session";
import { isPossible, usePasskey } from "../base/webauthn";
import { Icon } from "../parts/Icon";
import { PageTitle } from "../parts/PageTitle";
import { t } from "../texts";
import { cameBackRefused } from "./link";

interface Trouble {
  title: string;
  text: string;
}

function Ways({ ways, say }: { ways: WaysIn; say(trouble: Trouble | null): void }) {
  const { signedIn } = useSigning();
  const [busy, setBusy] = useState(false);
  const byPasskey = async () => {
    setBusy(true);
    say(null);
    try {
      const options = await passkeyOptions();
      signedIn(await signInByPasskey(options.ceremony, await usePasskey(options.options)));
    } catch {
      say({ title: t.signIn.passkeyFailed, text: t.signIn.passkeyFailedFix });
      setBusy(false);
    }
  };
  const elsewhere = async () => {
    setBusy(true);
    say(null);
    try {
      location.assign((await signInElsewhere()).address);
    } catch {
      say({ title: t.signIn.oidcFailed, text: t.signIn.oidcFailedFix });
      setBusy(false);
    }
  };
  return (
    <div className="signin__ways">
      {ways.passkey && isPossible() ? (
        <div>
          <button type="button" className="nhsuk-button signin__main" disabled={busy} onClick={() => void byPasskey()}>
            <Icon name="key" />
            {t.signIn.passkey}
          </button>
          <p className="nhsuk-hint signin__hint">{t.signIn.passkeyHint}</p>
        </div>
      ) : null}
      {ways.passkey && !isPossible() ? <p>{t.signIn.passkeyImpossible}</p> : null}
      {ways.oidc ? (
        <button
          type="button"
          className="nhsuk-button nhsuk-button--secondary signin__main"
          disabled={busy}
          onClick={() => void elsewhere()}
        >
          {t.signIn.oidc(ways.oidc)}
        </button>
      ) : null}
    </div>
  );
}

/** The way in. A one-time link signs in by itself; else a passkey, or the account of the place where one works. */
export function SignInPage() {
  const { standing, linkFailed, ask } = useSigning();
  const [trouble, setTrouble] = useState<Trouble | null>(
    linkFailed
      ? { title: t.signIn.linkUsed, text: t.signIn.linkUsedFix }
      : cameBackRefused()
        ? { title: t.signIn.oidcFailed, text: t.signIn.oidcFailedFix }
        : null,
  );
  const expired = standing.is === "out" && standing.expired;
  return (
    <main className="signin">
      <div className="signin__card">
        <p className="signin__brand">
          <svg className="bar__mark" viewBox="0 0 32 32" aria-hidden="true">
            <path d="M3 18h6l4-11 6 18 4-12 2 5h4" />
          </svg>
          {t.product}
        </p>
        <PageTitle title={expired ? t.signIn.expiredTitle : t.signIn.title} />
        <p className="signin__lead">{expired ? t.signIn.expired : t.signIn.lead}</p>
        {trouble ? (
          <div className="nhsuk-error-summary" role="alert">
            <h2 className="nhsuk-error-summary__title">{trouble.title}</h2>
            <div className="nhsuk-error-summary__body">
              <p>{trouble.text}</p>
            </div>
          </div>
        ) : null}
        {standing.is === "unreachable" ? (
          <div role="alert">
            <h2 className="signin__sub">{t.signIn.unreachable}</h2>
            <p>{t.signIn.unreachableFix}</p>
            <button type="button" className="nhsuk-button" onClick={() => void ask()}>
              {t.retry}
            </button>
          </div>
        ) : null}
        {standing.is === "out" ? <Ways ways={standing.ways} say={setTrouble} /> : null}
        {standing.is === "out" && !expired ? (
          <div className="signin__first">
            <h2 className="signin__sub">{t.signIn.first}</h2>
            <p>{t.signIn.firstFix}</p>
          </div>
        ) : null}
        <p className="signin__note">{t.notADevice}</p>
      </div>
    </main>
  );
}
