"""What tills send, taken item by item: once each, in whatever order and however often it comes.

A request is refused whole with one of these codes (401 and 403 of every door, and `unavailable`, beside them):

    404 till-unknown        no such till is registered
    403 branch-foreign      the token is another branch's
    403 till-foreign        the token is another till's
    413 body-too-large      more than 8 MiB
    422 malformed           no object with `items`, or nested too deep
    422 too-many-items      more than 500
    503 vault-unavailable   who is meant cannot be asked now: send it again
    503 intake-full         more has come than can be taken soon: send it again after Retry-After

An item of a request that is taken is `accepted`, `duplicate`, or `parked` with one of these codes:

    malformed               a field is missing, unknown or of another form; `errors` say where
    type-unknown            neither sale, refund, points nor check-in
    time-without-zone       `occurred_at` names no zone
    time-out-of-range       before 2000 or after 2200
    time-in-the-future      more than 26 hours ahead of our clock
    phone-invalid           not a phone number that could be
    card-invalid            a card of blanks
    client-invalid          a client code of blanks
    phone-on-kafka          phone numbers come over HTTP only
    seq-reused              the number came before, with other content
    receipt-reused          the receipt came before, or points spent on it did, with other content
    currency-mismatch       not the chain's currency, or not the receipt's
    receipt-negative        the lines add up to less than nothing
    till-unknown            the refund names a till that is not registered
    line-unknown            the refund names a line that the receipt has not
    refund-beyond-line      more than is left of the line
    refund-beyond-receipt   more than is left of the receipt

A refund that comes before its sale is `accepted` with `waiting`, and is parked later if the sale forbids it. A record
on Kafka that is no request is parked whole: `malformed`, `till-unknown`, or `internal` where it met a bug.
"""
