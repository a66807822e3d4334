"""What a user's program does with the OpenAI SDK, against OPENAI_BASE_URL."""

import os

from openai import OpenAI

model = os.environ["ALFRED_MODEL"]
if not model:
    # Nothing is seeded yet that a model could be called with.
    raise SystemExit(0)

client = OpenAI()
question = [{"role": "user", "content": "Hello"}]

answer = client.chat.completions.create(model=model, messages=question)
assert answer.choices[0].message.content, answer
assert answer.usage.total_tokens > 0, answer

chunks = list(client.chat.completions.create(model=model, messages=question, stream=True))
text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
assert text, chunks
