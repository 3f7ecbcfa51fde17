/**
 * The limits of the server that this code depends on, and our own rates, which stay below these limits. See "Limits and
 * rates" in docs/reference/protocol.md.
 */

// ── limits of the server ────────────────────────────────────────────────────────────────────────

/** Bytes of JSON in the header of an envelope, in both directions. */
export const MAX_HEADER_BYTES = 4096;
export const MAX_CAMERA_ID_LENGTH = 64;
/** Characters of a camera's label. */
export const MAX_NAME_LENGTH = 80;
/** Cameras that one viewer may name. */
export const MAX_NAMED_CAMERAS = 1024;
/** Boxes in one detection result. */
export const MAX_BOXES = 256;

/** Marks of detection results in the description of one timeline. */
export const MAX_MARKS = 100;
/** Cameras that one viewer may play back at the same time, and name in one message about it. */
export const MAX_PLAYBACKS = 16;

/** Messages that one viewer may send a second, of all types together. */
export const VIEWER_MESSAGES_PER_SECOND = 2000;
/** Messages of type `subscribe` and `unsubscribe` that one viewer may send a second. */
export const SUBSCRIPTIONS_PER_SECOND = 20;
/** Messages of type `seek` and `live` that one viewer may send a second. */
export const SEEKS_PER_SECOND = 20;

// ── our own rates, which leave room below those limits ──────────────────────────────────────────

/** Acknowledgements a second over a longer time. */
export const ACKS_PER_SECOND = 500;
/** Acknowledgements that may be sent together after a pause. */
export const ACK_BURST = 250;
/**
 * Milliseconds between two changes of the subscriptions. One change takes one message for each width of tiles, and one
 * for the cameras that are no longer visible.
 */
export const SUBSCRIPTION_INTERVAL_MS = 200;
/** Milliseconds between two seeks while a finger drags along the timeline. */
export const SEEK_INTERVAL_MS = 80;
