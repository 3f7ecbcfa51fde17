/** The parts that both pages share: the head with its links, and the start of React. */

import { StrictMode, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import mark from "./mark.svg";
import "../react/skysentry.css";
import "./pages.css";

export function mount(page: ReactNode): void {
  const root = document.getElementById("root");
  if (root) createRoot(root).render(<StrictMode>{page}</StrictMode>);
}

export function PageHead({ current, children }: { current: "viewer" | "capture"; children?: ReactNode }) {
  const here = { "aria-current": "page" } as const;
  return (
    <header className="page-head">
      <h1 className="page-brand">
        <img src={mark} alt="" /> SkySentry
      </h1>
      {/* Relative links keep a path prefix. */}
      <nav className="page-nav" aria-label="Pages">
        <a href="./" {...(current === "viewer" ? here : {})}>
          Cameras
        </a>
        <a href="./capture" {...(current === "capture" ? here : {})}>
          Capture
        </a>
      </nav>
      {children}
    </header>
  );
}
