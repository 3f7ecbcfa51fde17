"""Who is here: cameras with their rings, viewers with their outboxes, and the hub where they meet."""
