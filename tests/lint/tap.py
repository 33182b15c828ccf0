# SPDX-License-Identifier: GPL-2.0-or-later
"""What the checks share: results in TAP, the files of the project, samples for their self-tests."""
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# what is built or fetched is nobody's source
SKIPPED = re.compile(r"^(\.git|build[^/]*|tests/vm/cache|tests/fuzz/(corpus|findings))$|(^|/)__pycache__$")


class Tap:
    def __init__(self):
        self.count, self.failed = 0, 0

    def check(self, name, problems):
        """A test that passes when there are no problems; says which there are."""
        problems = list(problems)
        self.count += 1
        self.failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} - {name}")
        for problem in problems:
            print(f"# {problem}")

    def finds(self, name, problems, words):
        """A self-test: exactly so many problems as `words`, each with its words in it."""
        problems = list(problems)
        missing = [f"nobody says '{word}'" for word in words if not any(word in problem for problem in problems)]
        if len(problems) != len(words):
            missing.append(f"{len(problems)} problems, not {len(words)}: {problems}")
        self.check(name, missing)

    def end(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)


def files(root, pattern, folder=""):
    """Names below root that match, in order."""
    found = []
    for where, folders, names in os.walk(os.path.join(root, folder)):
        inside = os.path.relpath(where, root)
        inside = "" if inside == "." else inside + "/"
        folders[:] = sorted(f for f in folders if not SKIPPED.search(inside + f))
        found += [inside + n for n in sorted(names) if re.search(pattern, inside + n)]
    return found


def program_sources(root, pattern=r"\.[ch]$"):
    return [name for name in files(root, pattern) if not name.startswith("tests/")]


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)


def output_of(*command, text=None):
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          cwd=ROOT, check=False)
    return done.returncode, done.stdout


class Sample(tempfile.TemporaryDirectory):
    """A folder with the given files in it."""

    def __init__(self, **contents):
        super().__init__()
        for name, text in contents.items():
            self.write(name, text)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return self
