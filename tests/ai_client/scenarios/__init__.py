"""What a program can ask, played against every kind of upstream in every way of asking.

A scenario is written once, against ``ai_client.prompt``. ``test_scenarios`` plays each for five
upstreams, blocking, awaiting and streamed, over real sockets; what comes back has to be equal.
"""
