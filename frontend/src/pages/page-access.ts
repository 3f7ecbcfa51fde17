/** Which access a page has: the signed link that opened it, and the way to the page where people sign in. */

/**
 * Takes a signed link, `?link=TOKEN`, out of the visible address, so that nobody passes it on by accident. Returns the
 * server's address with the link for connections; undefined if there is no link.
 *
 * Usually the server has exchanged the link for a cookie before the page is loaded, and there is none.
 */
export function takeLink(): string | undefined {
  const url = new URL(location.href);
  const link = url.searchParams.get("link");
  if (link === null) return undefined;
  url.searchParams.delete("link");
  history.replaceState(history.state, "", url);
  return `./?${new URLSearchParams({ link })}`;
}

/** Opens the page where people sign in; afterwards they come back to this page. */
export function signIn(): void {
  const next = `${location.pathname}${location.search}`;
  location.assign(`./sign-in?${new URLSearchParams({ next })}`);
}

/**
 * Returns the page to open after signing in: `next` if it is a page of this server, otherwise the page with the cameras.
 * A link from elsewhere must not lead people to another site.
 */
export function pageAfterSignIn(next: string | null, here: string): string {
  const home = new URL("./", here);
  try {
    const url = new URL(next ?? "", home);
    const isOwn = url.origin === home.origin && /^https?:$/.test(url.protocol);
    return next !== null && isOwn && !isSignInPage(url.pathname) ? url.href : home.href;
  } catch {
    return home.href;
  }
}

export function isSignInPage(path: string): boolean {
  return /\/sign-in\/?$/.test(path);
}
