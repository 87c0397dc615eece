"""What the gateway costs: the same calls straight to a stub model server, through our gateway, through LiteLLM's proxy.

    python -m benchmarks.gateway [--json] [--quick]

Interleaved in one run, each target with one process: added milliseconds (median, 99th percentile), requests per second
and CPU milliseconds a request at 1, 8 and 64 requests at once, and what a stream's first token waits. Ours has its
durable reservation on; LiteLLM runs without a database and keeps no budget. Then the real model at 1, 4, 8 and 16
requests, through the gateway and asked directly, in tokens per second.

What this does not cover: a network, TLS, PostgreSQL, and a machine that does nothing else. Ratios are of one run.
"""
