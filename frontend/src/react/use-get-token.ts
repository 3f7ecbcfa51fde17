import { useEffect, useMemo, useRef } from "react";
import type { GetToken } from "../core/access.js";

/**
 * Returns a function that calls the newest `getToken` of the app. The returned function stays the same, although most
 * apps pass a new one with each rendering, so the connection stays too.
 */
export function useGetToken(getToken: GetToken | undefined): GetToken | undefined {
  const newest = useRef(getToken);
  useEffect(() => {
    newest.current = getToken;
  }, [getToken]);
  const isGiven = getToken !== undefined;
  return useMemo(() => (isGiven ? () => newest.current?.() : undefined), [isGiven]);
}
