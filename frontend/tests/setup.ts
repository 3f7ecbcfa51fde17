import { vi } from "vitest";

const waitFor = vi.waitFor.bind(vi);

// Vitest waits for one second, and a busy machine may take longer to get anywhere.
vi.waitFor = (check, options) => waitFor(check, options ?? { timeout: 15_000, interval: 5 });
