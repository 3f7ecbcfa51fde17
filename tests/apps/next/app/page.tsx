// A server component: the package itself says which parts run in the browser.
import SkySentryClient from "skysentry-trio";
import { Wall } from "./wall";

export default async function Page({ searchParams }: { searchParams: Promise<{ server?: string }> }) {
  const { server = "" } = await searchParams;
  return (
    <>
      <SkySentryClient clientId="fresh-app" serverUrl={server} autoStartCamera frameRate={5} />
      <Wall serverUrl={server} />
    </>
  );
}
