"""A guide as a list of steps. doc/guides/README.md says how it is to be read:
`#` and `$` in a block of the console, what stands below a command, the name of a
file over a block, machines in a heading, and sections of another guide. Whatever
else stands in a block is an error, so that nothing is left out unseen."""

import os
import re


class Step:
    """A command, or a file that is written.

    place: guide and line; user: "#" or "$" (of a file: who writes it); machines: by
    the heading, none where it names none; said: what must come, line by line."""

    def __init__(self, place, machines, user, text, path=None):
        self.place, self.machines = place, machines
        self.user, self.text, self.path, self.said = user, text, path, []

    @property
    def is_file(self):
        return self.path is not None

    @property
    def stays(self):
        """Whether it goes on while the next command runs."""
        return self.text.endswith("&")

    def expects(self, output):
        """Whether that is what the guide shows; a line of dots stands for none, too."""
        lines = ["(.*\n)?" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + "\n" for line in self.said]
        text = output.rstrip("\n") + "\n" if output.strip("\n") else ""
        return re.fullmatch("".join(lines), text, re.DOTALL) is not None


class Broken(Exception):
    """A guide that can't be followed as it is written."""


class Reader:
    """Goes through one guide from its first line."""

    def __init__(self, path):
        self.path, self.name = path, os.path.basename(path)
        self.headings, self.before, self.steps, self.sections = [], "", [], {}

    def broken(self, line, why):
        return Broken("%s:%d: %s" % (self.name, line, why))

    def machines(self):
        named = [re.findall(r"`(\d+\.\d+\.\d+\.\d+)`", words) for words in self.headings]
        return next((found for found in reversed(named) if found), [])

    def add(self, line, *what):
        self.steps.append(Step("%s:%d" % (self.name, line), self.machines(), *what))
        if len(self.headings) > 1:
            self.sections.setdefault(self.headings[1], []).append(self.steps[-1])

    def console(self, first, lines):
        begun = len(self.steps)
        for number, line in enumerate(lines, first):
            if re.match(r"[#$] ", line):
                self.add(number, line[0], line[2:])
            elif len(self.steps) > begun:
                self.steps[-1].said.append(line)
            else:
                raise self.broken(number, "output of no command")

    def block(self, line, language, inside):
        over = re.fullmatch(r"(?:.* )?`([^` ]+)`:", self.before)
        if language == "console":
            self.console(line + 1, inside)
        elif over:
            self.add(line, "#" if over[1].startswith("/") else "$", "\n".join(inside) + "\n", over[1])
        else:
            raise self.broken(line, "a block that is neither of the console nor under the name of a file")

    def text(self, line, words):
        if re.match(r"#+ ", words):
            marks, _, title = words.partition(" ")
            self.headings[len(marks) - 1:] = [title]
        elsewhere = re.fullmatch(r"As in the \[[^]]*\]\(([a-z-]+\.md)\): (.*)\.", words)
        if elsewhere:
            other = Reader(os.path.join(os.path.dirname(self.path), elsewhere[1]))
            other.read()
            for section in elsewhere[2].split(", "):
                if section not in other.sections:
                    raise self.broken(line, "%s has nothing to do in a section %s" % (other.name, section))
                self.steps += other.sections[section]
        if words.strip():
            self.before = words

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        fence = None
        for number, line in enumerate(lines, 1):
            if fence is None and line.startswith("```"):
                fence = number
            elif fence is None:
                self.text(number, line)
            elif line == "```":
                self.block(fence, lines[fence - 1][3:], lines[fence:number - 1])
                fence, self.before = None, ""
        if fence is not None:
            raise self.broken(fence, "a block without an end")


def read(path):
    """The steps of a guide, in order."""
    reader = Reader(path)
    reader.read()
    return reader.steps


def packages(steps):
    """The words of each `apt-get install`, so that what it takes can be there."""
    commands = [step.text.split() for step in steps if not step.is_file]
    return {tuple(words[2:]) for words in commands if words[:2] == ["apt-get", "install"]}
