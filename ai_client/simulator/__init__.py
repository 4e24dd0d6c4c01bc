"""Stand-in upstreams: three vendors' dialects over real sockets, and every way they fail.

OpenAI's chat completions and Responses, Anthropic's Messages and Gemini's generateContent, plain
and streamed, with tools; OpenAI's and Google's images, embeddings and videos, OpenAI's speech. It
validates requests as the vendors do and answers from the request alone, always the same for the
same request. Nothing here shares code with ``ai_client.wire``; it is the second opinion that the
wire modules are tested against, and a product without a key can be tried with it.

Paths (any prefix before them is fine, so a base URL may be anything)::

    POST …/chat/completions                       OpenAI; Azure's …/deployments/{name}/… too
    POST …/responses, …/responses/input_tokens    OpenAI
    POST …/images/generations, …/images/edits     OpenAI
    POST …/embeddings, …/audio/speech             OpenAI
    POST …/videos; GET …/videos/{id}, …/content   OpenAI
    POST …/messages, …/messages/count_tokens      Anthropic
    POST …/models/{model}:generateContent         Gemini
    POST …/models/{model}:streamGenerateContent   Gemini, a JSON array without ?alt=sse
    POST …/models/{model}:countTokens             Gemini
    POST …/models/{model}:embedContent            Google's embeddings; :batchEmbedContents too
    POST …/models/{model}:predict                 Imagen
    POST …/models/{model}:predictLongRunning      Veo; GET …/models/{model}/operations/{name},
                                                  GET /download/v1beta/files/{name}:download
    GET  …/models, …/models/{model}               Gemini below /v1beta or with x-goog-api-key,
                                                  Anthropic with its headers, else OpenAI
    GET, DELETE /_requests                        what came in, as JSON; forget it

What it says::

    Echo: <last user text>                    words are separate deltas
    [image image/png 68 bytes]                after the text, for what was attached;
    [image url https://…]                     [file …] and [audio …] likewise
    a JSON document that conforms             when a JSON schema is given
    a call of the first tool                  when tools are given and none is answered yet;
                                              of all tools if the prompt says "parallel",
                                              in two rounds if it says "twice"
    Tool result: …, Tool error: …             when the last message answers tools
    a picture, sound, a citation of the web   when Gemini is asked for one by a model that makes it

Images have one colour and a 64th of the size asked for; vectors are made of the text; speech is as
long as it has words. A video is queued, in progress at the first look and completed at the second;
it fails if its prompt says "fail". Answers of models whose name contains "audio" can be spoken, and
those whose name contains "search" look at the web.

The prompt also decides: "think" adds reasoning (redacted with "redacted"), "cached" lets half of
the prompt's tokens come from a cache. Tokens are words. Stop sequences, token limits, several
choices, logprobs and the usage in streams follow the request. Models whose name contains
"reasoner" send ``reasoning_content`` (OpenAI), "signed" demand thought signatures (Gemini),
"strict" refuse unknown fields (OpenAI), "lenient" accept them (Anthropic). Signatures that come
back must be ones that a simulator of the same vendor issued.

Failures are asked for by the model, ``fail-FAILURE`` or ``fail-FAILURE--MODEL``, or by the path,
``/fail/FAILURE/…``. ``FAILURE@N`` fails the first N times only. Invalid requests get the vendor's
400 whatever failure they ask for. In the table, [-X] is an optional number::

    ok                          answers as if nothing were asked for
    status-CODE                 an error in the vendor's shape with that status
    rate-limit[-SECONDS]        429 with Retry-After, 30 s
    rate-limit-body[-SECONDS]   429 that says when to retry in the body only, 30 s
    rate-limit-date[-SECONDS]   429 with Retry-After as an HTTP date, 30 s ahead
    retry-after-negative        429 with Retry-After: -5
    retry-after-huge            429 with Retry-After: 999999999
    retry-after-nan             429 with Retry-After: NaN
    retry-after-ms[-MS]         429 with retry-after-ms only, 1500 ms
    overloaded[-SECONDS]        503 (Anthropic 529) with Retry-After, 5 s
    quota                       insufficient_quota, billing_error, RESOURCE_EXHAUSTED of the plan
    credit                      credit used up: 402, Anthropic 400, Google 429
    context                     400: the prompt is longer than the context window
    filter                      a content filter refuses the prompt (Google: 200, blockReason)
    filter-finish               200 whose finish reason is the content filter or a refusal
    redirect[-PORT]             302 to PORT on this host, to the simulator itself if none
    hang                        reads the request and says nothing until the client leaves
    hang-after-headers          200 and headers, then nothing
    hang-midstream[-EVENTS]     2 content events (half a body), then nothing
    reset                       RST before any byte
    reset-midbody[-EVENTS]      RST in the middle of the body
    reset-midstream[-EVENTS]    RST after 2 content events (half a body)
    reset-on-reuse              works on a fresh socket, RST on a reused one
    close                       FIN before any byte
    close-midstream[-EVENTS]    FIN after 2 content events (half a body), framing cut
    bad-http                    bytes that are no HTTP answer
    html                        200 with a page of HTML
    wrong-json                  200 with JSON of another shape
    cut-json                    200 with JSON that stops in the middle, properly framed
    error-in-200[-CODE]         200 with an error body, 500 inside
    empty                       200 without content and without a finish reason
    empty-finish                200 without content, with a finish reason
    azure-first-chunk           a first event without candidates, then a normal stream
    usage-only                  events with usage only between the others
    sse-error-first[-CODE]      an error event before any content, 503 inside
    sse-error-later[-CODE]      an error event after 2 content events, 503 inside
    truncated[-EVENTS]          the stream ends, properly framed, after its content (N events)
    no-end-marker               all but the last event: [DONE], message_stop, Google's finish reason
    malformed-event-first       an event that is no JSON before any content
    malformed-event-later       an event that is no JSON after 2 content events
    bad-utf8                    an event whose text is not UTF-8 after 2 content events
    crlf                        a valid stream with CRLF line ends
    cr                          a valid stream with CR line ends
    multiline                   a valid stream with JSON over several data lines
    comments                    a valid stream with comments, ids and retry fields
    bom                         a valid stream that begins with a byte order mark
    u2028                       a valid stream with U+2028 and U+0085 inside the text
    one-byte                    a valid answer, each byte sent by itself
    huge-event[-MIB]            one event of 17 MiB
    huge-body[-MIB]             an answer of 65 MiB
    gzip-bomb[-MIB]             a small compressed answer of 65 MiB
    ignore-stream               a complete JSON answer though a stream was asked for
    force-stream                a stream though a complete answer was asked for
    drip[-MS]                   one byte every 1000 ms
    slow[-MS]                   100 ms before each event
    slow-headers[-SECONDS]      headers only after 5 s, then ok
    slow-first-event[-SECONDS]  the first event 5 s after the headers
    silence-pings[-MS]          nothing but pings, every 100 ms
    pings-then-ok[-COUNT]       3 pings, then ok
    bad-tool-json               tool arguments that are no JSON (where the dialect can say it)

What only a stream can do has its nearest equivalent in a complete answer (see ``fault_acts``).
"""

from ai_client.simulator.faults import MODES, Fault, Mode, UnknownFault, listing, parse_fault
from ai_client.simulator.recording import RecordedRequest
from ai_client.simulator.server import MODELS, Simulator, running_simulator

__all__ = [
    "MODELS",
    "MODES",
    "Fault",
    "Mode",
    "RecordedRequest",
    "Simulator",
    "UnknownFault",
    "listing",
    "parse_fault",
    "running_simulator",
]
