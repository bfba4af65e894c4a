import { useEffect, useRef } from "react";
import { t } from "../texts";

let first = true;

interface Title {
  title: string;
  /** What stands on the page instead, where it may name a person. */
  shown?: string;
  hidden?: boolean;
}

/**
 * The heading of a page. It takes the focus when the page is opened from another one, so that whoever listens hears where
 * they are. The title of the window never names a person: it is kept in the browser's history.
 */
export function PageTitle({ title, shown, hidden = false }: Title) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · ${t.product}`;
    if (!first) heading.current?.focus({ preventScroll: true });
    first = false;
  }, [title]);
  return (
    <h1 ref={heading} tabIndex={-1} className={hidden ? "heard" : "page-title"}>
      {shown ?? title}
    </h1>
  );
}
