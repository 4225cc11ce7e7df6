"""The rows of the benchmarks, in the order in which they run. A row's module has GOALS and `measure(bench)`."""

ROWS = {
    "append": "events to a stream at an expected version",
    "handle": "batches of commands with natural keys and a guard table",
    "accounts": "points redeemed by many at once, from one account and from many",
    "expiry": "a chain's points that expire in one night, beside live sales",
    "rehearsal": "a draft of the points' terms over all receipts of a chain",
    "relay": "committed events to Kafka",
    "consumer": "Kafka's records to a view, and to a reaction's events",
    "rebuild": "a view built anew beside live traffic",
    "growth": "the same work when there is a thousand times as much",
    "till": "from a till's sale to headquarters' view, the five services at work",
    "pipeline": "from a commit to another service's reaction to a third one's view",
    "overload": "twice the load that can be taken, and a flood of what was kept back",
    "life": "memory, cold start, and back after SIGKILL",
}
