import { lazy, Suspense } from "react";
import { BoardPage } from "../board/BoardPage";
import { Skeleton } from "../parts/Skeleton";
import { RolePage } from "../signin/RolePage";
import { SignInPage } from "../signin/SignInPage";
import { t } from "../texts";
import { ErrorBoundary } from "./ErrorBoundary";
import { NotFound } from "./NotFound";
import { usePlace } from "./router";
import { useSigning } from "./session";
import { Shell } from "./Shell";

const PersonPage = lazy(() => import("../person/PersonPage"));
const WhatIfPage = lazy(() => import("../what_if/WhatIfPage"));
const ReviewPage = lazy(() => import("../review/ReviewPage"));
const PasskeyPage = lazy(() => import("../signin/PasskeyPage"));

function Page({ path, subject }: { path: string; subject: string | null }) {
  if (path === "/") return <BoardPage />;
  if (path === "/person") return <PersonPage key={subject} subject={subject} />;
  if (path === "/what-if") return <WhatIfPage key={subject} subject={subject} />;
  if (path === "/review") return <ReviewPage />;
  if (path === "/role") return <RolePage />;
  if (path === "/passkey") return <PasskeyPage />;
  return <NotFound />;
}

export function App() {
  const { standing } = useSigning();
  const place = usePlace();
  if (standing.is === "asking") return <Skeleton label={t.loading} page />;
  if (standing.is !== "in") return <SignInPage />;
  if (!standing.session.role) return <RolePage alone />;
  return (
    <Shell>
      <ErrorBoundary key={place.path + place.subject}>
        <Suspense fallback={<Skeleton label={t.loading} />}>
          <Page path={place.path} subject={place.subject} />
        </Suspense>
      </ErrorBoundary>
    </Shell>
  );
}
