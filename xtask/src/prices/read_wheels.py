"""Prints what the price book needs from two wheels, as one JSON object.

The wheels' code is read, never run: the prices are a Python literal of
constructor calls, which become objects with the constructor's name in `_`.
"""

import ast
import calendar
import datetime
import glob
import json
import os
import sys
import zipfile


def value(node):
    match node:
        case ast.Constant():
            return node.value
        case ast.List():
            return [value(item) for item in node.elts]
        case ast.Dict():
            return {value(key): value(item) for key, item in zip(node.keys, node.values)}
        case ast.Call(func=ast.Name(id="Decimal")):
            return node.args[0].value
        case ast.Call(func=ast.Attribute(attr="date")):
            day = datetime.date(*(arg.value for arg in node.args))
            return calendar.timegm(day.timetuple()) * 1000
        case ast.Call(func=ast.Attribute(attr="time")):
            zones = [ast.unparse(keyword.value) for keyword in node.keywords]
            assert zones in (["datetime.timezone.utc"], ["datetime.UTC"]), zones
            hour, minute, *second = (arg.value for arg in node.args)
            assert not any(second), ast.unparse(node)
            return hour * 60 + minute
        case ast.Call(func=ast.Name(id=name), args=[]):
            return {"_": name} | {keyword.arg: value(keyword.value) for keyword in node.keywords}
    raise ValueError(f"unexpected: {ast.unparse(node)[:200]}")


def wheel(directory, name):
    (path,) = glob.glob(os.path.join(directory, f"{name}-*.whl"))
    archive = zipfile.ZipFile(path)
    version = os.path.basename(path).split("-")[1]
    (licence,) = (entry for entry in archive.namelist() if entry.endswith("dist-info/licenses/LICENSE"))
    return archive, version, archive.read(licence).decode()


def providers(source):
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.AnnAssign) and statement.target.id == "providers":
            return value(statement.value)
    raise ValueError("no providers")


prices, prices_version, prices_licence = wheel(sys.argv[1], "genai_prices")
litellm, litellm_version, litellm_licence = wheel(sys.argv[1], "litellm")
table = json.loads(litellm.read("litellm/model_prices_and_context_window_backup.json"), parse_float=str)
json.dump(
    {
        "today": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "prices": providers(prices.read("genai_prices/data.py")),
        "prices_version": prices_version,
        "prices_licence": prices_licence,
        "litellm": table,
        "litellm_version": litellm_version,
        "litellm_licence": litellm_licence,
    },
    sys.stdout,
)
