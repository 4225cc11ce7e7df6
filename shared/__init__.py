"""The kernel: messages, the store, the feed, the channel between services. It knows no business word."""
