"""What users' programs do with the OpenAI SDK, against OPENAI_BASE_URL.

It knows nothing of Alfred but a base URL and keys. Keys come in the
environment: OPENAI_API_KEY, and one each for what is to be refused.
Prints what it paid for as JSON: a list of request ids and costs in credits.
"""

import asyncio
import json
import os
from decimal import Decimal

import openai
from openai import AsyncOpenAI, DefaultHttpxClient, OpenAI
from pydantic import BaseModel

MESSAGES = [{"role": "user", "content": "Hello"}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]

client = OpenAI(max_retries=0)
paid = []


class Trip(BaseModel):
    city: str
    days: int


def note(response):
    """Remembers what a whole answer cost."""
    headers = response.headers
    paid.append([headers["x-alfred-request-id"], headers["x-alfred-cost-credits"]])
    return response.parse()


def chat(model):
    raw = client.chat.completions.with_raw_response
    answer = note(raw.create(model=model, messages=MESSAGES))
    assert answer.choices[0].message.content, answer
    assert answer.choices[0].finish_reason == "stop", answer
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def stream(model):
    chunks = list(client.chat.completions.create(model=model, messages=MESSAGES, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks), chunks
    assert all(chunk.usage is None for chunk in chunks), chunks


def stream_with_usage(model):
    raw = client.chat.completions.with_raw_response
    response = raw.create(
        model=model, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = list(response.parse())
    assert all(chunk.usage is None for chunk in chunks)
    assert last.choices == [], last
    cost = last.usage.model_extra["alfred"]["cost_credits"]
    assert Decimal(cost) > 0, last
    paid.append([response.headers["x-alfred-request-id"], cost])


async def at_the_same_time(model):
    async with AsyncOpenAI(max_retries=0) as many:
        ask = many.chat.completions.with_raw_response.create
        responses = await asyncio.gather(
            *(ask(model=model, messages=MESSAGES) for _ in range(10))
        )
    for response in responses:
        assert note(response).choices[0].message.content


def tools(model, name):
    answer = client.chat.completions.create(
        model=model, messages=MESSAGES, tools=TOOLS, tool_choice="required"
    )
    [call] = answer.choices[0].message.tool_calls
    assert call.function.name == name, answer
    assert isinstance(json.loads(call.function.arguments), dict)
    assert answer.choices[0].finish_reason == "tool_calls", answer


def structured():
    answer = client.chat.completions.parse(
        model="demo-small", messages=MESSAGES, response_format=Trip
    )
    trip = answer.choices[0].message.parsed
    assert isinstance(trip, Trip), answer


def picture(model):
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": os.environ["ALFRED_PICTURE"]}},
    ]
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": content}], logprobs=True, seed=7
    )
    assert answer.choices[0].message.content, answer


def unknown_parameter():
    """The test reads from the provider's books that this arrived."""
    client.chat.completions.create(
        model="fake-ok",
        messages=MESSAGES,
        max_tokens=11,
        extra_body={"some_new_parameter": {"nested": [1, 2.5, None]}},
    )


def embeddings(model):
    raw = client.embeddings.with_raw_response
    # The SDK asks for base64 unless told otherwise, and decodes it.
    by_default = note(raw.create(model=model, input=["one", "two"]))
    numbers = note(raw.create(model=model, input=["one", "two"], encoding_format="float"))
    assert len(by_default.data) == len(numbers.data) == 2
    pairs = zip(by_default.data[0].embedding, numbers.data[0].embedding, strict=True)
    assert all(abs(one - other) < 1e-5 for one, other in pairs)
    assert numbers.usage.prompt_tokens > 0


def models():
    names = [model.id for model in client.models.list()]
    assert "demo-small" in names, names
    assert client.models.retrieve("demo-small").owned_by == "demo"


def raises(kind, status, code, call):
    try:
        call()
    except openai.APIStatusError as error:
        assert type(error) is kind, error
        assert (error.status_code, error.code) == (status, code), error
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def errors():
    def ask(**options):
        one = client.with_options(**options)
        return lambda **more: one.chat.completions.create(
            **{"model": "fake-ok", "messages": MESSAGES, **more}
        )

    raises(openai.AuthenticationError, 401, "invalid_api_key", ask(api_key="sk-wrong"))
    narrow = ask(api_key=os.environ["ALFRED_NARROW_KEY"])
    raises(openai.PermissionDeniedError, 403, "model_not_allowed", narrow)
    raises(openai.BadRequestError, 400, "invalid_value", lambda: ask()(n=0))
    raises(openai.NotFoundError, 404, "model_not_found", lambda: client.models.retrieve("demo-no"))
    raises(openai.NotFoundError, 404, "unknown_url", lambda: client.images.generate(prompt="cat"))
    limited = ask(api_key=os.environ["ALFRED_LIMITED_KEY"])
    error = raises(openai.RateLimitError, 429, "rate_limit_exceeded", limited)
    # No minute has room for it.
    assert error.response.headers["x-should-retry"] == "false"


def payment_required():
    """Not tried again, although the SDK may."""
    seen = []
    hooks = {"request": [seen.append]}
    with DefaultHttpxClient(event_hooks=hooks) as http:
        poor = OpenAI(api_key=os.environ["ALFRED_POOR_KEY"], max_retries=3, http_client=http)
        error = raises(
            openai.APIStatusError,
            402,
            "insufficient_quota",
            lambda: poor.chat.completions.create(model="fake-ok", messages=MESSAGES),
        )
    assert error.type == "insufficient_quota", error
    assert len(seen) == 1, seen


for model in ["demo-small", "fake-ok"]:
    chat(model)
    stream(model)
    stream_with_usage(model)
    picture(model)
    asyncio.run(at_the_same_time(model))
tools("demo-small", "weather")
tools("fake-tool-call", "say")
structured()
for model in ["demo-embed", "text-embedding-3-small"]:
    embeddings(model)
models()
errors()
payment_required()
unknown_parameter()
print(json.dumps(paid))
