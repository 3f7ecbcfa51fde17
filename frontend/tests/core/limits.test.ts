import { describe, expect, it } from "vitest";
import * as limits from "../../src/core/limits.js";

describe("our own rates", () => {
  it("keep below the server's limits together", () => {
    const seeksPerSecond = 1000 / limits.SEEK_INTERVAL_MS;
    const subscriptionsPerSecond = 3 * (1000 / limits.SUBSCRIPTION_INTERVAL_MS);
    expect(seeksPerSecond).toBeLessThan(limits.SEEKS_PER_SECOND);
    expect(subscriptionsPerSecond).toBeLessThan(limits.SUBSCRIPTIONS_PER_SECOND);
    expect(limits.ACK_BURST + limits.ACKS_PER_SECOND + seeksPerSecond + subscriptionsPerSecond).toBeLessThan(
      limits.VIEWER_MESSAGES_PER_SECOND,
    );
  });
});
