"""What coupons promise: an offer is headquarters' words, in versions; each coupon keeps the one it was issued under."""
