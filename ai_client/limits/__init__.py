"""Limits of gateway keys: what counts, for how long, and where the counts are kept.

**Requests per minute**: a moving window. In any 60 seconds no more than so many requests are let
in; a fixed window would let twice as many through around its end. What is refused doesn't count.

**Tokens per minute**: a fixed window of 60 seconds, which the first tokens begin. A request is let
in while fewer tokens than the limit were used in it; what it used is added when it ends, since
nobody knows before. So requests that run at the same time may use more than the limit together,
and the following ones wait.

**Concurrency**: a request holds a place from when it is let in until it has ended, however it
ends. A place ends by itself some seconds after the request's deadline, so that a process that was
killed does not hold it for ever.

**Budgets**: US dollars of one day or one calendar month, UTC; a request counts for the day on
which it began. Spent is what the log's prices say that requests cost: ``GatewayKeyUsage`` in the
database, and on top what this process has spent and not stored yet, each request once. Requests
that run when a budget is reached go on, so it can be exceeded by what they cost.

Tokens and cost are those that upstreams report, of failed requests too. Where an answer ends before
its upstream has said the final number, left or broken off, they are estimated from what was sent
and received (``ai_client.usage_estimate``), so that hanging up is no way around a limit; so they
are of a conversation that its caller left before the answer, by what was sent, unless it had not
left yet. What failed before any content counts what the upstream said of it, nearly always nothing.

What has no price costs a budget nothing: the row in the log says so, and once a minute a warning.

**Where**: in this process. With ``REDIS_URL`` all processes count together in Redis, and a budget
counts what any of them spends at once. Without, each process limits rates and places by itself,
and hears of what the others spend when it is in the database, about a second later. Redis gets 100
ms. If it doesn't answer, this process counts alone for a while: no request fails for it.

A limit that is changed begins to count anew.
"""
