import { Component, type ReactNode } from "react";
import { Message } from "../parts/Message";
import { t } from "../texts";

/** A fault in one page leaves the rest of the application standing, and says what to do. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Message kind="trouble" title={t.errors.title} text={t.errors.fix} detail={error.message}>
        <button type="button" className="button" onClick={() => location.reload()}>
          {t.errors.reload}
        </button>
      </Message>
    );
  }
}
