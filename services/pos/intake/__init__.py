"""What tills send, taken item by item: once each, in whatever order and however often it comes."""
