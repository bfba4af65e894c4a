import { type FormEvent, useId, useRef, useState } from "react";
import { decide } from "../api/client";
import type { Recommendation, Verdict } from "../api/contract";
import { ErrorLine } from "../parts/ErrorLine";
import { t } from "../texts";
import { type Draft, missing, VERDICTS } from "./queue";

interface Props {
  one: Recommendation;
  decided(one: Recommendation): void;
}

/** Accept, change or reject, with the reason that others learn from. */
export function Decision({ one, decided }: Props) {
  const [draft, setDraft] = useState<Draft | null>(null);
  const [tried, setTried] = useState(false);
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null });
  const form = useRef<HTMLFormElement>(null);
  const id = useId();
  const wanted = draft && tried ? missing(draft) : [];

  const choose = (verdict: Verdict) => {
    setTried(false);
    setState({ busy: false, error: null });
    setDraft((before) => ({ reason: before?.reason ?? "", words: before?.words ?? "", verdict }));
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!draft) return;
    setTried(true);
    if (missing(draft).length) {
      form.current?.querySelector<HTMLElement>(`[name=${missing(draft)[0]}]`)?.focus();
      return;
    }
    setState({ busy: true, error: null });
    try {
      const words = draft.verdict === "changed" ? draft.words : "";
      decided(
        await decide({ subject: one.subject, seq: one.seq, verdict: draft.verdict, reason: draft.reason, words }),
      );
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  const field = (name: "reason" | "words", label: string, hint: string) => {
    const wrong = wanted.includes(name);
    return (
      <label className={`field${wrong ? " field--wrong" : ""}`}>
        <span className="field__label">{label}</span>
        <textarea
          name={name}
          rows={2}
          maxLength={1000}
          value={draft![name]}
          aria-invalid={wrong}
          aria-describedby={`${id}-${name}`}
          onChange={(event) => setDraft({ ...draft!, [name]: event.target.value })}
        />
        <span
          id={`${id}-${name}`}
          className={wrong ? "field__error" : "field__hint"}
          role={wrong ? "alert" : undefined}
        >
          {wrong ? t.review.missing[name] : hint}
        </span>
      </label>
    );
  };
  return (
    <form className="decision" ref={form} noValidate onSubmit={(event) => void submit(event)}>
      <div className="decision__verdicts" role="group" aria-label={t.review.decide}>
        {VERDICTS.map((verdict) => (
          <button
            key={verdict}
            type="button"
            className="button decision__verdict"
            aria-pressed={draft?.verdict === verdict}
            onClick={() => choose(verdict)}
          >
            {t.review.acts[verdict]}
          </button>
        ))}
      </div>
      {draft ? (
        <>
          {draft.verdict === "changed" ? field("words", t.review.words, t.review.wordsHint) : null}
          {field(
            "reason",
            draft.verdict === "accepted" ? t.review.reasonMay : t.review.reason,
            draft.verdict === "accepted" ? t.review.reasonMayHint : t.review.reasonHint,
          )}
          {state.error ? <ErrorLine error={state.error} /> : null}
          <div className="propose__actions">
            <button type="submit" className="button button--main" disabled={state.busy}>
              {t.review.keep[draft.verdict]}
            </button>
            <button type="button" className="button" onClick={() => setDraft(null)}>
              {t.cancel}
            </button>
          </div>
          <p className="quiet decision__note">{t.review.setsNothing}</p>
        </>
      ) : null}
    </form>
  );
}
