import { useSyncExternalStore, type ComponentType } from "react";

const never = (): (() => void) => () => undefined;

/**
 * Returns a component that renders nothing on a server and while React hydrates, and then the given component. A camera
 * has nothing to show on a server, and what it shows at first depends on the browser.
 */
export function clientOnly<Props extends object>(Component: ComponentType<Props>, name: string) {
  const ClientOnly = (props: Props) =>
    useSyncExternalStore(
      never,
      () => true,
      () => false,
    ) ? (
      <Component {...props} />
    ) : null;
  ClientOnly.displayName = name;
  return ClientOnly;
}
