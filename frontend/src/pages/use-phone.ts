import { useCallback, useEffect, useState } from "react";
import { askPhone, renewPhoneCode, type PhoneInfo } from "../core/phone.js";
import { AccessApi } from "../core/rest.js";

/** While a code waits for its phone. */
const LOOK_MS = 2000;
const NOTHING: PhoneInfo = { https: null, selfSigned: false, code: null };

export interface Phone {
  /** Null until the server has answered. */
  readonly info: PhoneInfo | null;
  /** Asks for a new code. Resolves to whether the server has given one. */
  readonly renew: () => Promise<boolean>;
}

/** Asks the server what it knows of phones, and again until its code is used or expired; not if `isOff`. */
export function usePhone(isOff = false): Phone {
  const [api] = useState(() => new AccessApi(new URL("./", location.href)));
  const [info, setInfo] = useState<PhoneInfo | null>(null);
  useEffect(() => {
    if (isOff) return;
    let current = true;
    askPhone(api).then(
      (next) => {
        if (current) setInfo(next);
      },
      // An older server, or a proxy in front of it, does not know the question.
      () => {
        if (current) setInfo(NOTHING);
      },
    );
    return () => {
      current = false;
    };
  }, [api, isOff]);
  const code = info?.code;
  const waits = code?.state === "waiting" && code.expiresAt !== null;
  useEffect(() => {
    if (!waits) return;
    let current = true;
    const timer = setInterval(() => {
      if (document.visibilityState !== "visible") return;
      askPhone(api).then(
        (next) => {
          if (current) setInfo(next);
        },
        // The server may be back the next time.
        () => undefined,
      );
    }, LOOK_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [api, waits]);
  const renew = useCallback(async () => {
    try {
      setInfo(await renewPhoneCode(api));
      return true;
    } catch {
      return false;
    }
  }, [api]);
  return { info, renew };
}
