import type { ReactNode } from "react";
import { Refused, Unreachable } from "../api/client";
import { go } from "../app/router";
import { t } from "../texts";

interface Said {
  title: string;
  text: string;
  detail?: string | undefined;
  kind?: "empty" | "trouble";
  children?: ReactNode;
}

/** What is to be known where there is nothing to show, and what to do next. */
export function Message({ title, text, detail, kind = "empty", children }: Said) {
  return (
    <section className={`message message--${kind}`} role={kind === "trouble" ? "alert" : undefined}>
      <h2 className="message__title">{title}</h2>
      <p>{text}</p>
      {detail ? <p className="message__detail">{detail}</p> : null}
      {children ? <div className="message__actions">{children}</div> : null}
    </section>
  );
}

/** What an error of a question means for the person who asked. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const again = retry ? (
    <button type="button" className="button" onClick={retry}>
      {t.retry}
    </button>
  ) : null;
  if (error instanceof Refused && error.status === 403) {
    const { detail, reason, rule } = error.problem;
    const how = [detail, rule ? t.errors.refusedBy(rule) : ""].filter(Boolean).join(" · ");
    return (
      <Message kind="trouble" title={t.errors.refused} text={reason || error.message} detail={how}>
        <button type="button" className="button" onClick={() => go("/")}>
          {t.errors.toBoard}
        </button>
      </Message>
    );
  }
  if (error instanceof Unreachable) {
    return (
      <Message kind="trouble" title={t.errors.unreachable} text={t.errors.unreachableFix}>
        {again}
      </Message>
    );
  }
  const detail =
    error instanceof Refused ? [error.message, error.problem.detail].filter(Boolean).join(" · ") : undefined;
  return (
    <Message kind="trouble" title={t.errors.failed} text={t.errors.failedFix} detail={detail}>
      {again}
    </Message>
  );
}
