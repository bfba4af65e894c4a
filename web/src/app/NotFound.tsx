import { Message } from "../parts/Message";
import { PageTitle } from "../parts/PageTitle";
import { t } from "../texts";
import { go } from "./router";

export function NotFound() {
  return (
    <>
      <PageTitle title={t.pages.notFound} hidden />
      <Message title={t.errors.notFound} text={t.errors.notFoundFix}>
        <button type="button" className="button" onClick={() => go("/")}>
          {t.errors.toBoard}
        </button>
      </Message>
    </>
  );
}
