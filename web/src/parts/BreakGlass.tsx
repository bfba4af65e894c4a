import { type FormEvent, useState } from "react";
import { breakGlass, Refused } from "../api/client";
import { go } from "../app/router";
import { useSession } from "../app/session";
import { t } from "../texts";
import { ErrorLine } from "./ErrorLine";
import { Failure } from "./Message";

/** The boundaries that leave to look lifts (policies/boundaries.cedar). */
const LIFTED = ["boundary:unit", "boundary:sealed"];

/** Whether what was refused can be opened with a reason. */
export function mayBeOpened(error: unknown): error is Refused {
  return error instanceof Refused && error.status === 403 && LIFTED.includes(error.problem.rule ?? "");
}

interface Props {
  subject: string;
  error: Refused;
  /** Ask again: the record is open now. */
  opened(): void;
}

/** Leave to look at somebody who is not one's own: for a reason, for an hour, and seen by the auditor. */
export function BreakGlass({ subject, error, opened }: Props) {
  const { may } = useSession();
  const [reason, setReason] = useState("");
  const [state, setState] = useState<{ busy: boolean; error: unknown; missing: boolean }>({
    busy: false,
    error: null,
    missing: false,
  });
  if (!may.includes("glass:break")) return <Failure error={error} />;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!reason.trim()) {
      setState({ busy: false, error: null, missing: true });
      return;
    }
    setState({ busy: true, error: null, missing: false });
    try {
      await breakGlass(subject, reason.trim());
      opened();
    } catch (problem) {
      setState({ busy: false, error: problem, missing: false });
    }
  };
  const sealed = error.problem.rule === "boundary:sealed";
  return (
    <form className="message message--trouble glass" onSubmit={(event) => void submit(event)} noValidate>
      <h2 className="message__title">{sealed ? t.glass.sealed : t.glass.unit}</h2>
      <p>{sealed ? t.glass.sealedText : t.glass.unitText}</p>
      <ul className="glass__terms">
        {t.glass.terms.map((term) => (
          <li key={term}>{term}</li>
        ))}
      </ul>
      <label className={`field${state.missing ? " field--wrong" : ""}`}>
        <span className="field__label">{t.glass.reason}</span>
        <textarea
          value={reason}
          rows={2}
          maxLength={400}
          required
          aria-invalid={state.missing}
          onChange={(event) => setReason(event.target.value)}
        />
        <span className="field__hint">{t.glass.reasonHint}</span>
      </label>
      {state.missing ? (
        <p className="error-line" role="alert">
          {t.glass.missing}
        </p>
      ) : null}
      {state.error ? <ErrorLine error={state.error} /> : null}
      <div className="message__actions propose__actions">
        <button type="submit" className="button button--main" disabled={state.busy}>
          {t.glass.open}
        </button>
        <button type="button" className="button" onClick={() => go("/")}>
          {t.errors.toBoard}
        </button>
      </div>
      <p className="message__detail">{[error.message, t.errors.refusedBy(error.problem.rule ?? "")].join(" · ")}</p>
    </form>
  );
}
