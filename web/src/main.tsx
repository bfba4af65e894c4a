import "./styles/main.scss";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { startAttendance } from "./api/attendance";
import { App } from "./app/App";
import { startRouter } from "./app/router";
import { SessionProvider } from "./app/session";
import { startTheme } from "./app/theme";

startAttendance();
startTheme();
startRouter();
createRoot(document.getElementById("application")!).render(
  <StrictMode>
    <SessionProvider>
      <App />
    </SessionProvider>
  </StrictMode>,
);
