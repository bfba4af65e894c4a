import { Refused } from "../api/client";
import { textWritten } from "../base/units";
import { t } from "../texts";
import { Icon } from "./Icon";

/** Why something was not done, and what helps: within a form. */
export function ErrorLine({ error }: { error: unknown }) {
  const said =
    error instanceof Refused
      ? [error.message, error.problem.detail].filter(Boolean).map(String).map(textWritten).join(" · ")
      : `${t.errors.unreachable}. ${t.errors.unreachableFix}`;
  return (
    <p className="error-line" role="alert">
      <Icon name="alert" />
      <span>{said}</span>
    </p>
  );
}
