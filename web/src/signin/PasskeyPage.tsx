import { type FormEvent, useState } from "react";
import { keepPasskey, newPasskeyOptions } from "../api/client";
import { go } from "../app/router";
import { useSigning } from "../app/session";
import { isPossible, makePasskey } from "../base/webauthn";
import { PageTitle } from "../parts/PageTitle";
import { t } from "../texts";

/** Makes a passkey on this device, so that the next sign-in needs no link. */
export default function PasskeyPage() {
  const { ask } = useSigning();
  const [name, setName] = useState<string>(t.passkey.suggested);
  const [state, setState] = useState<"ready" | "busy" | "done" | "failed">("ready");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setState("busy");
    try {
      const options = await newPasskeyOptions();
      await keepPasskey(options.ceremony, await makePasskey(options.options), name.trim() || t.passkey.suggested);
      setState("done");
      await ask();
    } catch {
      setState("failed");
    }
  };
  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      <PageTitle title={t.passkey.title} />
      <p>{t.passkey.lead}</p>
      {isPossible() ? null : <p>{t.signIn.passkeyImpossible}</p>}
      {state === "failed" ? (
        <div className="nhsuk-error-summary" role="alert">
          <h2 className="nhsuk-error-summary__title">{t.passkey.failed}</h2>
          <div className="nhsuk-error-summary__body">
            <p>{t.passkey.failedFix}</p>
          </div>
        </div>
      ) : null}
      {state === "done" ? (
        <>
          <p role="status" className="form__done">
            {t.passkey.done}
          </p>
          <button type="button" className="nhsuk-button" onClick={() => go("/")}>
            {t.errors.toBoard}
          </button>
        </>
      ) : (
        <>
          <div className="nhsuk-form-group">
            <label className="nhsuk-label" htmlFor="passkey-name">
              {t.passkey.name}
            </label>
            <input
              className="nhsuk-input"
              id="passkey-name"
              value={name}
              maxLength={80}
              autoComplete="off"
              onChange={(event) => setName(event.target.value)}
            />
          </div>
          <button type="submit" className="nhsuk-button" disabled={state === "busy" || !isPossible()}>
            {t.passkey.go}
          </button>
        </>
      )}
    </form>
  );
}
