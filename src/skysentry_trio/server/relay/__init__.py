"""The cameras with their rings, the viewers with their outboxes, and the hub where cameras and viewers meet."""
