import type { ReactNode } from "react";
import "skysentry-trio/style.css";

// Otherwise the browser asks for /favicon.ico and complains.
export const metadata = { title: "A fresh app", icons: { icon: "data:," } };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
