"""What the fuzz targets start from, besides tests/fuzz/corpus: the requests of
the golden tests, and the words of the schema."""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))
import harness  # noqa: E402

GOLDEN = {"ews", "soap"}  # targets that read requests
LONGEST = 65536


def names():
    return sorted(entry[len("fuzz_"):-2] for entry in os.listdir(HERE) if re.fullmatch(r"fuzz_\w+\.c", entry))


def folders(name):
    """The inputs of a target that are in the repository: kept ones, and those
    that were found to break something."""
    return [path for path in (os.path.join(HERE, kind, name) for kind in ("corpus", "regress")) if os.path.isdir(path)]


def request(text):
    """A golden request as the body that is sent, but for the names of ids."""
    once = "<!-- header: Idempotency-Key" in text
    text = re.sub(r"^(<!-- \w+: .*? -->\n?)+", "", text)
    text = re.sub(r"\{\{repeat:(\d+):(.*?)\}\}", lambda found: found[2] * int(found[1]), text)
    if text.lstrip().startswith("<m:"):
        text = harness.envelope(text)
    return ("<!-- once -->" if once else "") + text


def write_golden(folder):
    """The golden requests as files in folder; how many."""
    os.makedirs(folder, exist_ok=True)
    written = 0
    for place, _, files in os.walk(os.path.join(ROOT, "tests", "golden")):
        for file in files:
            if not file.endswith(".req.xml"):
                continue
            with open(os.path.join(place, file), encoding="utf-8", newline="") as source:
                text = request(source.read())
            text = text if isinstance(text, bytes) else text.encode()
            name = os.path.relpath(os.path.join(place, file), ROOT).replace(os.sep, "_")
            if len(text) <= LONGEST:
                written += 1
                with open(os.path.join(folder, name), "wb") as out:
                    out.write(text)
    return written


def write_words(path):
    """The names of the schema as a dictionary of libFuzzer's."""
    words = set()
    for file in ("types.xsd", "messages.xsd"):
        with open(os.path.join(ROOT, "schema", file), encoding="utf-8") as source:
            text = source.read()
        prefix = file[0]
        words.update("%s:%s" % (prefix, name) for name in re.findall(r'<xs:element name="(\w+)"', text))
        words.update(re.findall(r'<xs:enumeration value="([\w:.]+)"', text))
        words.update('%s=\\"' % name for name in re.findall(r'<xs:attribute name="(\w+)"', text))
    words.update("{{%s:%s}}" % (kind, name) for kind in ("id", "changekey", "folder", "attachment")
                 for name in ("draft", "sent", "foreign", "shared", "acting"))
    with open(path, "w", encoding="utf-8") as out:
        out.writelines('"%s"\n' % word for word in sorted(words) if len(word) < 60)
