"""A judge written by others: does an answer fit its JSON Schema? jsonschema, draft 2020-12.

    json_schema.py DIRECTORY

answers each line on standard input, {"schema": NAME, "answer": ...}, with a line: "ok", or what does not fit.
"""

import functools
import json
import pathlib
import sys

import jsonschema

directory = pathlib.Path(sys.argv[1])


@functools.cache
def validator(name):
    path = directory / name
    schema = json.loads(path.read_text()) if path.exists() else False
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


for line in sys.stdin:
    given = json.loads(line)
    error = jsonschema.exceptions.best_match(validator(given["schema"]).iter_errors(given["answer"]))
    verdict = "ok" if error is None else f"{error.json_path}: {error.message}"
    print(" ".join(verdict.split()), flush=True)
