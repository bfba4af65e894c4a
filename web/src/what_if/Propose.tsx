import { type FormEvent, useState } from "react";
import { propose } from "../api/client";
import type { Change } from "../api/contract";
import { go } from "../app/router";
import { useSession } from "../app/session";
import { ErrorLine } from "../parts/ErrorLine";
import { t } from "../texts";
import type { Letter } from "./plans";

interface Props {
  subject: string;
  letter: Letter;
  change: Change;
  words: string;
  disabled: boolean;
}

type State =
  { is: "closed" } | { is: "open" } | { is: "busy" } | { is: "failed"; error: unknown } | { is: "done"; words: string };

/** Sends a plan to whoever reviews, with a reason: nothing is set by it. */
export function Propose({ subject, letter, change, words, disabled }: Props) {
  const { may } = useSession();
  const [state, setState] = useState<State>({ is: "closed" });
  const [reason, setReason] = useState("");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setState({ is: "busy" });
    try {
      await propose(subject, change, reason);
      setReason("");
      setState({ is: "done", words });
    } catch (error) {
      setState({ is: "failed", error });
    }
  };
  const open = state.is === "open" || state.is === "busy" || state.is === "failed";
  return (
    <div className="propose">
      {state.is === "done" ? (
        <p className="propose__done" role="status">
          {t.whatIf.proposed(state.words)}{" "}
          {may.includes("recommendation:review") ? (
            <a
              href="/review"
              onClick={(event) => {
                event.preventDefault();
                go("/review");
              }}
            >
              {t.whatIf.toReview}
            </a>
          ) : null}
        </p>
      ) : null}
      {open ? (
        <form onSubmit={(event) => void submit(event)}>
          <p className="propose__what">
            <strong>{t.whatIf.planOf(letter)}</strong>: {words}
          </p>
          <label className="field">
            <span className="field__label">{t.whatIf.reason}</span>
            <textarea
              value={reason}
              maxLength={1000}
              rows={3}
              autoFocus
              onChange={(event) => setReason(event.target.value)}
            />
            <span className="field__hint">{t.whatIf.reasonHint}</span>
          </label>
          {state.is === "failed" ? <ErrorLine error={state.error} /> : null}
          <div className="propose__actions">
            <button type="submit" className="button button--main" disabled={state.is === "busy" || disabled}>
              {state.is === "busy" ? t.whatIf.sending : t.whatIf.send}
            </button>
            <button type="button" className="button" onClick={() => setState({ is: "closed" })}>
              {t.cancel}
            </button>
          </div>
        </form>
      ) : (
        <button
          type="button"
          className="button button--main"
          disabled={disabled}
          onClick={() => setState({ is: "open" })}
        >
          {t.whatIf.propose(letter)}
        </button>
      )}
    </div>
  );
}
